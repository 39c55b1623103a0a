"""Kill points for the crash tests: $IMSERVER_CRASH_AT names the one at which the process dies as if by kill -9."""

import os

_name, _, _passing = os.environ.get("IMSERVER_CRASH_AT", "").partition(":")
_left = int(_passing or 1)


def here(name: str) -> None:
    """Die with status 137 if this is the point asked for ("name", or "name:3" for its third passing)."""
    if name == _name:
        _pass()


def _pass() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os._exit(137)
