"""The example conversation of docs/wires/native.md, read from the page."""

import re
from dataclasses import dataclass
from typing import Any

from imserver.core import events, requests, values
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


def _arrived(message: values.Message) -> events.MessageArrived:
    """As a client has it: the conversation does not travel with the message."""
    nowhere = values.Conversation(message.conversation, values.ConversationKind.GROUP, "", ())
    return events.MessageArrived(message, nowhere)


def steps() -> list[Step]:
    """All of it, in order."""
    names = {**vars(requests), **vars(events), **vars(values), "MessageArrived": _arrived}
    return [
        Step(found["way"] == ">", int(found["tag"]), eval(found["value"], names), bytes.fromhex(found["hex"]))
        for found in _STEP.finditer(TEXT.split("<!-- example -->")[1])
    ]
