"""Outcomes that are kept, so that a retried request has no second effect (delivery.md section 4)."""

from imserver.core.changes import GroupOutcome, Recorded
from imserver.core.errors import ChatError, Code
from imserver.store.group_tables import Result, Tables

REMEMBERED_RESULTS = 64


def known(tables: Tables, recorded: Recorded) -> Result | None:
    """The outcome of the same request before; raises if it can no longer be told, or is another's."""
    last, once = tables.last_request(recorded.device), recorded.once
    if last is None or once.epoch > last[0]:
        return None
    if once.epoch < last[0]:
        raise ChatError(Code.FENCED, "this device has been started again since; stop this one")
    result = tables.result(recorded.device, once.n)
    if result is None:
        if once.n <= last[1] - REMEMBERED_RESULTS:
            raise ChatError(
                Code.REQUEST_TOO_OLD, "its outcome is forgotten; look at the group before asking again"
            )
        return None
    if result.fingerprint != recorded.fingerprint:
        raise ChatError(Code.REQUEST_ID_REUSED, "that request id was used for another request; count on")
    return result


def keep(tables: Tables, recorded: Recorded, outcome: GroupOutcome) -> None:
    """This one, and forget the oldest."""
    forget_up_to = recorded.once.n - REMEMBERED_RESULTS
    tables.record(recorded, outcome.conversation.id, outcome.seq, forget_up_to)
