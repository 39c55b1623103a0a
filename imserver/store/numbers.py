"""Which number an account gets."""

from imserver.core.names import MAX_NUMBER

FIRST_NUMBER = 100_001


def own_number(name: str) -> int:
    """The number that a name of digits is; 0 for any other name."""
    if not (name.isascii() and name.isdigit()) or name[0] == "0" or int(name) > MAX_NUMBER:
        return 0
    return int(name)
