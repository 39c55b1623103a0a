"""Guessers of passwords at many addresses, each of whom has one guess under way all the time, at ever new names."""

import selectors
import threading
from collections.abc import Iterator, Sequence
from time import monotonic

from imserver.core.errors import Code
from imserver.core.events import Refused
from imserver.core.requests import LogIn
from tests.end_to_end.peer import PATIENCE_SECONDS, Address, Gone, Peer

# All together; each waits for so long after an answer that all have their turn.
GUESSES_PER_SECOND = 2_000


class Guesser:
    """At one address, over one connection after the other, which `selector` watches."""

    def __init__(
        self, server: Address, source: str, selector: selectors.BaseSelector, pause_seconds: float
    ) -> None:
        self.verified = 0  # guesses that were hashed
        self.again_at = 0.0  # 0.0: not before there is an answer
        self._server = server
        self._source = source
        self._selector = selector
        self._pause_seconds = pause_seconds
        self._connect()

    def guess(self, name: str) -> None:
        """Once more."""
        self.again_at = 0.0
        try:
            self._peer.tell(LogIn(name, "a guess", "x"))
        except Gone:
            self._connect_again()

    def hear(self) -> None:
        """What the answer is, if it is whole; a connection on which too many guesses failed has ended."""
        try:
            for _, event in self._peer.arrived():
                self.verified += isinstance(event, Refused) and event.code == Code.WRONG_CREDENTIALS
                self.again_at = monotonic() + self._pause_seconds
        except Gone:
            self._connect_again()

    def close(self) -> None:
        """Be gone."""
        self._selector.unregister(self._peer)
        self._peer.close()

    def _connect(self) -> None:
        self._peer = Peer(self._server, source=self._source)
        self._selector.register(self._peer, selectors.EVENT_READ, self)

    def _connect_again(self) -> None:
        self.close()
        self._connect()
        self.again_at = monotonic() + self._pause_seconds


class Guessers:
    """Used as a context: they guess in a thread of their own, and within it each of them has failed already."""

    def __init__(self, server: Address, sources: Sequence[str], names: Iterator[str]) -> None:
        self._selector = selectors.DefaultSelector()
        self._pause_seconds = len(sources) / GUESSES_PER_SECOND
        self._guessers = [Guesser(server, source, self._selector, self._pause_seconds) for source in sources]
        self._names = names
        self._ended = threading.Event()
        self._all_failed = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def verified(self) -> int:
        """How many guesses were hashed."""
        return sum(guesser.verified for guesser in self._guessers)

    def __enter__(self) -> "Guessers":
        self._thread.start()
        if not self._all_failed.wait(PATIENCE_SECONDS):
            self._stop()
            raise TimeoutError("some guesses were never answered")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        self._ended.set()
        self._thread.join()
        for guesser in self._guessers:
            guesser.close()
        self._selector.close()

    def _run(self) -> None:
        try:
            for guesser in self._guessers:
                guesser.guess(next(self._names))
            while not self._ended.is_set():
                self._turn()
        except BaseException as failure:
            self._failure = failure
            self._all_failed.set()

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._pause_seconds):
            key.data.hear()
        now = monotonic()
        for guesser in sorted(
            self._guessers, key=lambda each: each.again_at
        ):  # who has waited longest comes first
            if 0.0 < guesser.again_at <= now:
                guesser.guess(next(self._names))
        if all(guesser.verified for guesser in self._guessers):
            self._all_failed.set()
