"""What is said before a message where people see only its words: that it is forwarded, that it burns."""

from imserver.core.values import Extra


def burning(extra: Extra) -> str:
    """Of a message that burns; empty of all others."""
    return f"(burns {extra.burn_seconds} s after reading) " if extra.burn_seconds else ""


def beside(extra: Extra) -> str:
    """All of it."""
    return ("(forwarded) " if extra.origin else "") + burning(extra)
