"""What happened to a group, as an entry of its log: kind NOTICE, a JSON object, and a sentence for people."""

import json

from imserver.core.changes import Action

CONTENT_TYPE = "application/vnd.imserver.notice+json"


def encode(action: Action, actor: str, accounts: list[str], title: str) -> bytes:
    """The body: {"action", "actor", "accounts", "title"}; accounts by name."""
    value = {"action": action, "actor": actor, "accounts": accounts, "title": title}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sentence(body: bytes) -> str:
    """The notice in words, for wires that show text only."""
    value = json.loads(body)
    actor, accounts, title = value["actor"], ", ".join(value["accounts"]), value["title"]
    match value["action"]:
        case Action.CREATED:
            return f'{actor} created the group "{title}"'
        case Action.ADDED:
            return f"{actor} added {accounts}"
        case Action.LEFT:
            return f"{actor} left"
        case Action.RENAMED:
            return f'{actor} renamed the group to "{title}"'
        case other:
            return f"{actor}: {other}"
