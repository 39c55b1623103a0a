"""Kill points for the crash tests: $IMSERVER_CRASH_AT names the one at which the process dies as if by kill -9."""

import os
from typing import NoReturn

_name, _, _passing = os.environ.get("IMSERVER_CRASH_AT", "").partition(":")
_left = int(_passing or 1)
is_armed = bool(_name)


def here(name: str) -> None:
    """Die if this is the point asked for ("name", or "name:3" for its third passing)."""
    if reached(name):
        die()


def reached(name: str) -> bool:
    """Whether to die at this point: then half of the work may be done before."""
    return name == _name and _is_last_passing()


def die() -> NoReturn:
    """Leave without any clean-up, with status 137."""
    os._exit(137)


def _is_last_passing() -> bool:
    global _left
    _left -= 1
    return _left == 0
