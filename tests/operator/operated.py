"""A world with an operator, and what the log says of it."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import ChatError
from imserver.logs import AUDIT
from imserver.operator.command import Answer
from imserver.operator.table import run
from tests.fakes import World


class OperatedCase(SynchronousTestCase):
    """`self.audit` has what each audit line says, and `self.said` how."""

    def setUp(self) -> None:
        self.world = World()
        self.core = self.world.core
        self.audit: list[tuple[str, str, str, str]] = []
        self.said: list[str | None] = []
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)

    def _observe(self, event: dict[str, Any]) -> None:
        if event.get("log_kind") == AUDIT:
            self.audit.append((event["actor"], event["action"], event["whom"], event["result"]))
            self.said.append(formatEvent(event))

    def started(self, line: str, password: str = "") -> "Deferred[Answer]":
        """A command on its way."""
        return Deferred.fromCoroutine(run(self.core, "root", line, password))

    def answer(self, line: str, password: str = "") -> Answer:
        """What a command answers."""
        answered = self.started(line, password)
        self.world.settle()
        return self.successResultOf(answered)

    def ask(self, line: str, password: str = "") -> list[str]:
        """Its lines."""
        return list(self.answer(line, password).lines)

    def refusal(self, line: str, password: str = "") -> str:
        """The code with which it is refused."""
        answered = self.started(line, password)
        self.world.settle()
        return self.failureResultOf(answered, ChatError).value.code
