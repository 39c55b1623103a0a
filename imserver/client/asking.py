"""Requests that outlive a connection: asked on the next one when an answer was lost, if asking twice is safe.

Reads and settings are safe.  Changes of groups are made safe by `once`, under which the server recognises a
retry.  Anything else that was lost half-way fails with NotConnected, because nobody knows whether it was done.
"""

import typing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from imserver.client.errors import ClientError, NotConnected, QueueFull, RequestRefused
from imserver.client.link import Link
from imserver.core import requests
from imserver.core.group_requests import GroupRequest
from imserver.core.requests import Request

MAX_ASKED = 1_024
REPEATABLE = (
    requests.Hello,
    requests.Ping,
    requests.UpdateProfile,
    requests.ListDevices,
    requests.RevokeDevice,
    requests.LookUp,
    requests.RequestContact,
    requests.AnswerContact,
    requests.RemoveContact,
    requests.Block,
    requests.Unblock,
    requests.ListBlocked,
    requests.SetRemark,
    requests.ListContacts,
    requests.ListContactRequests,
    requests.Search,
    requests.SetPresence,
    requests.SetPrivacy,
    requests.FetchPrivacy,
    requests.OpenDirect,
    *typing.get_args(GroupRequest),
    requests.FindGroup,
    requests.ListConversations,
    requests.ListMembers,
    requests.ListJoinRequests,
    requests.CountReceipts,
    requests.FetchHistory,
    requests.Synchronise,
)


@dataclass(slots=True, eq=False)
class _Asked:
    request: Request
    answer: "Deferred[Any]" = field(default_factory=Deferred)
    pause: IDelayedCall | None = None


class Asking:
    """The requests of one client that have no answer yet, at most MAX_ASKED, in the order of asking."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._asked: dict[int, _Asked] = {}
        self._numbers = count()
        self._link: Link | None = None

    def ask(self, request: Request) -> "Deferred[Any]":
        """-> the answer; fails with RequestRefused, or NotConnected if it may have been done.  Raises QueueFull."""
        if len(self._asked) >= MAX_ASKED:
            raise QueueFull("too many requests wait for the server")
        number, asked = next(self._numbers), _Asked(request)
        self._asked[number] = asked
        self._send(number)
        return asked.answer

    def link_up(self, link: Link) -> None:
        """Logged in: ask what has no answer yet."""
        self._link = link
        for number in list(self._asked):
            self._send(number)

    def end(self, reason: ClientError) -> None:
        """Nothing will be answered any more: tell the askers."""
        self._link = None
        for number in list(self._asked):
            self._finish(number).errback(reason)

    def _send(self, number: int) -> None:
        asked = self._asked.get(number)
        if asked is None or self._link is None or asked.pause is not None:
            return
        self._link.request(asked.request).addCallbacks(
            self._answered, self._failed, callbackArgs=(number,), errbackArgs=(number,)
        )

    def _answered(self, event: Any, number: int) -> None:
        if number in self._asked:
            self._finish(number).callback(event)

    def _failed(self, failure: Failure, number: int) -> None:
        asked = self._asked.get(number)
        if asked is None:
            return
        error, repeatable = failure.value, isinstance(asked.request, REPEATABLE)
        if isinstance(error, NotConnected) and repeatable:
            self._link = None
        elif isinstance(error, RequestRefused) and error.wait_seconds and repeatable:
            asked.pause = self._clock.callLater(error.wait_seconds, self._resume, number)
        else:
            self._finish(number).errback(failure)

    def _resume(self, number: int) -> None:
        self._asked[number].pause = None
        self._send(number)

    def _finish(self, number: int) -> "Deferred[Any]":
        asked = self._asked.pop(number)
        if asked.pause is not None:
            asked.pause.cancel()
        return asked.answer
