"""What happened to a group, as an entry of its log: kind NOTICE, a JSON object, and a sentence for people."""

import json
import time
from typing import Any

from imserver.core.changes import Action

CONTENT_TYPE = "application/vnd.imserver.notice+json"
POLICIES = ("open", "by request", "by invitation")  # the words for JoinPolicy


def encode(action: Action, actor: str, accounts: list[str], title: str, **details: str | int) -> bytes:
    """The body: {"action", "actor", "accounts", "title"} and what the action has besides; accounts by name.

    The details: `owner` of LEFT and REMOVED (who follows the owner that went), `until_ms` of MUTED, `policy` of
    POLICY_CHANGED, `text` of ANNOUNCED.
    """
    value = {"action": action, "actor": actor, "accounts": accounts, "title": title, **details}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sentence(body: bytes) -> str:
    """The notice in words, for wires that show text only."""
    value = json.loads(body)
    words = _SENTENCES.get(value["action"], "{actor}: {action}")
    heir = f"; {value['owner']} is the owner now" if "owner" in value else ""
    return words.format_map(_shown(value)) + heir


def moment(time_ms: int) -> str:
    """A time as people read it, to the minute, and no earlier than it is."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(-(-time_ms // 60_000) * 60))


def _shown(value: dict[str, Any]) -> dict[str, str]:
    return {
        "actor": value["actor"],
        "action": value["action"],
        "accounts": ", ".join(value["accounts"]) or "everybody",
        "title": value["title"],
        "until": moment(value.get("until_ms", 0)),
        "policy": value.get("policy", ""),
        "text": value.get("text", ""),
    }


_SENTENCES: dict[str, str] = {
    Action.CREATED: '{actor} created the group "{title}"',
    Action.ADDED: "{actor} added {accounts}",
    Action.LEFT: "{actor} left",
    Action.RENAMED: '{actor} renamed the group to "{title}"',
    Action.JOINED: "{actor} joined",
    Action.ADMITTED: "{actor} admitted {accounts}",
    Action.REMOVED: "{actor} removed {accounts}",
    Action.PROMOTED: "{actor} made {accounts} an admin",
    Action.DEMOTED: "{actor} made {accounts} a member again",
    Action.HANDED_OVER: "{actor} handed the group over to {accounts}",
    Action.MUTED: "{actor} muted {accounts} until {until}",
    Action.UNMUTED: "{actor} let {accounts} write again",
    Action.POLICY_CHANGED: "{actor} changed how people join: {policy}",
    Action.ANNOUNCED: "{actor} announced: {text}",
    Action.DISSOLVED: "{actor} dissolved the group",
}
