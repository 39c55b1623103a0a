"""A link whose answers are given by the test."""

from typing import Any

from twisted.internet.defer import Deferred

from imserver.client.errors import NotConnected, RequestRefused
from imserver.core.requests import Request


class FakeLink:
    """`asked` lists (request, answer) in order; answer them, or lose the link."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, Deferred[Any]]] = []

    def request(self, request: Request) -> "Deferred[Any]":
        """As Link.request."""
        answer: Deferred[Any] = Deferred()
        self.asked.append((request, answer))
        return answer

    def answer(self, number: int, event: object) -> None:
        """The server answers the request of that number."""
        self.asked[number][1].callback(event)

    def refuse(self, number: int, code: str, retry_after_ms: int = 0) -> None:
        """The server refuses it."""
        self.asked[number][1].errback(RequestRefused(code, "", retry_after_ms))

    def lose(self) -> None:
        """What has no answer fails, the oldest first."""
        for _, answer in self.asked:
            if not answer.called:
                answer.errback(NotConnected(NotConnected.LOST, "lost"))
