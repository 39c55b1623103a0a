"""A mutant of the daemon that logs all that it is asked, passwords included; the drills of T13 and T29 look at its log."""

from dataclasses import fields

from twisted.logger import Logger
from twisted.scripts.twistd import run

from imserver.core.requests import Request
from imserver.core.session import Session

_log = Logger()
_ask = Session.ask


def ask(self: Session, tag: int, request: Request) -> None:
    """Each value is an event of a kind of its own, so that none is suppressed."""
    for field in fields(request):
        value = getattr(request, field.name)
        _log.info("asked: {value}", value=value, log_kind=repr(value))
    _ask(self, tag, request)


if __name__ == "__main__":
    Session.ask = ask  # type: ignore[method-assign]
    run()
