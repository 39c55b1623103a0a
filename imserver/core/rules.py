"""Who may ask what, when, and how often: one row per request, checked in one place (core/session.py).

A request without a row, or a row without a request, fails at import.
"""

import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from imserver.core import requests as r
from imserver.core.events import Event

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

Plain = Callable[["Session", int, Any], None]
Answer = Callable[["Session", Any], Awaitable[Event | None]]


class Rate(Enum):
    """Which of the account's buckets a request draws on."""

    OWN = "the handler counts it by its own measure"
    REQUESTS = "requests_per_second"
    SIGNALS = "signals_per_second"


class When(Enum):
    """In which state of the session a request makes sense."""

    ALWAYS = (True, True)
    BEFORE_LOGIN = (True, False)
    LOGGED_IN = (False, True)


@dataclass(slots=True, frozen=True)
class Rule:
    """One row.

    `plain` handlers are called and answer when they like (the hot path); `answer` handlers are coroutines
    whose result is the answer.  `members_only`: the request's conversation must be the asker's, now.
    `enters`: nothing else of this client is looked at until it is answered.  `weight`: what it counts for
    among the requests in flight; those with large answers count for more, so that answers together stay bounded.
    """

    when: When
    rate: Rate
    plain: Callable[["Core"], Plain] | None = None
    answer: Callable[["Core"], Answer] | None = None
    members_only: bool = False
    enters: bool = False
    weight: int = 1


ALWAYS, BEFORE_LOGIN, LOGGED_IN = When.ALWAYS, When.BEFORE_LOGIN, When.LOGGED_IN
OWN, REQUESTS, SIGNALS = Rate.OWN, Rate.REQUESTS, Rate.SIGNALS

RULES: dict[type, Rule] = {
    r.Hello: Rule(ALWAYS, SIGNALS, plain=lambda core: core.hello),
    r.Ping: Rule(ALWAYS, SIGNALS, plain=lambda core: core.ping),
    r.Register: Rule(BEFORE_LOGIN, OWN, answer=lambda core: core.accounts.register, enters=True),
    r.LogIn: Rule(BEFORE_LOGIN, OWN, answer=lambda core: core.logins.log_in, enters=True),
    r.LogInWithToken: Rule(BEFORE_LOGIN, OWN, answer=lambda core: core.logins.log_in_with_token, enters=True),
    r.Resume: Rule(BEFORE_LOGIN, OWN, answer=lambda core: core.logins.resume, enters=True),
    r.LogOut: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.logins.log_out, enters=True),
    r.ChangePassword: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.accounts.change_password),
    r.DeleteAccount: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.accounts.delete, enters=True),
    r.UpdateProfile: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.accounts.update_profile),
    r.ListDevices: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.accounts.list_devices),
    r.RevokeDevice: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.accounts.revoke_device),
    r.LookUp: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.accounts.look_up),
    r.RequestContact: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.contacts.request),
    r.AnswerContact: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.contacts.answer),
    r.RemoveContact: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.contacts.remove),
    r.Block: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.blocks.block),
    r.Unblock: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.blocks.unblock),
    r.ListBlocked: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.blocks.list_page, weight=11),
    r.SetRemark: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.contacts.set_remark),
    r.ListContacts: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.contacts.list_page, weight=11),
    r.ListContactRequests: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.contacts.list_requests, weight=11),
    r.Search: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.directory.search, weight=11),
    r.SetPresence: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.presences.set),
    r.SetPrivacy: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.directory.set_privacy),
    r.FetchPrivacy: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.directory.fetch_privacy),
    r.OpenDirect: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.conversations.open_direct),
    r.CreateGroup: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.create),
    r.AddMembers: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.add_members),
    r.LeaveGroup: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.RenameGroup: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.FindGroup: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.find),
    r.JoinGroup: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.join),
    r.AnswerJoin: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.ListJoinRequests: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.list_requests, members_only=True, weight=11),
    r.RemoveMember: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.SetRole: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.HandOver: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.Mute: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.SetJoinPolicy: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.SetAnnouncement: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.DissolveGroup: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.groups.change),
    r.ListConversations: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.conversations.list_page, weight=11),
    r.ListMembers: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.conversations.list_members, members_only=True, weight=11),
    r.Send: Rule(LOGGED_IN, OWN, plain=lambda core: core.messages.send),
    r.SendTo: Rule(LOGGED_IN, OWN, plain=lambda core: core.messages.send),
    r.Forward: Rule(LOGGED_IN, OWN, plain=lambda core: core.messages.forward),
    r.MarkDelivered: Rule(LOGGED_IN, SIGNALS, plain=lambda core: core.receipts.mark_delivered),
    r.MarkRead: Rule(LOGGED_IN, SIGNALS, plain=lambda core: core.receipts.mark_read),
    r.SetTyping: Rule(LOGGED_IN, SIGNALS, plain=lambda core: core.receipts.set_typing),
    r.CountReceipts: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.receipts.count, members_only=True),
    r.FetchHistory: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.history.fetch, weight=11),
    r.Synchronise: Rule(LOGGED_IN, REQUESTS, answer=lambda core: core.history.synchronise, weight=11),
}  # fmt: skip

if set(RULES) != set(typing.get_args(r.Request)):
    raise TypeError("each request needs exactly one rule")


class BoundRule:
    """A row with its handler looked up in one core, flat for speed."""

    __slots__ = (
        "after_login",
        "answer",
        "before_login",
        "enters",
        "is_hot",
        "members_only",
        "plain",
        "rate",
        "weight",
    )

    def __init__(self, rule: Rule, core: "Core") -> None:
        self.before_login, self.after_login = rule.when.value
        self.rate = rule.rate
        self.is_hot = rule.plain is not None and rule.when is When.LOGGED_IN and rule.rate is Rate.OWN
        self.members_only = rule.members_only
        self.enters = rule.enters
        self.weight = rule.weight
        self.plain = rule.plain(core) if rule.plain else None
        self.answer = rule.answer(core) if rule.answer else _unanswered


async def _unanswered(session: "Session", request: Any) -> Event | None:
    raise TypeError(f"{type(request).__name__} has a plain handler")
