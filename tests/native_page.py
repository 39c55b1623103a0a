"""The example conversation of docs/wires/native.md, read from the page."""

import re
from dataclasses import dataclass
from typing import Any

from imserver.core import client_ids, events, requests, values
from imserver.core.run import Run
from tests.architecture import ROOT

TEXT = (ROOT / "docs/wires/native.md").read_text("utf-8")

_STEP = re.compile(r"^(?P<way>[<>]) (?P<tag>\d+)  (?P<value>.+)\n(?P<hex>(?: +[0-9a-f ]+\n)*)", re.MULTILINE)


@dataclass(slots=True, frozen=True)
class Step:
    """`value` goes to the server or comes from it with this tag, as these bytes, length first."""

    to_server: bool
    tag: int
    value: Any
    frame: bytes


def _run(client_id: bytes, **fields: Any) -> Run:
    """As it is on the wire: with the client id in one piece."""
    stem, number = client_ids.split(client_id)
    return Run(stem=stem, number=number, **fields)


def _arrived(run: Run) -> events.RunArrived:
    """As a client has it: the conversation does not travel with the message."""
    nowhere = values.Conversation(run.conversation, values.ConversationKind.GROUP, "", ())
    return events.RunArrived(run, nowhere)


def steps() -> list[Step]:
    """All of it, in order."""
    names = {**vars(requests), **vars(events), **vars(values), "Run": _run, "RunArrived": _arrived}
    return [
        Step(found["way"] == ">", int(found["tag"]), eval(found["value"], names), bytes.fromhex(found["hex"]))
        for found in _STEP.finditer(TEXT.split("<!-- example -->")[1])
    ]
