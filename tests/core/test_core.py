"""The core as a whole: its state, its timers, its end."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from tests.core.client import Client, account, group, logged_in, result, text
from tests.fakes import LIMITS, World


class CoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))
        self.core = self.world.core

    def test_state(self) -> None:
        """ready; degraded while the store takes nothing; draining, whatever the store does, once it has begun."""
        states = [self.core.state]
        self.world.store.state = "degraded"
        states.append(self.core.state)
        self.core.begin_drain(0)
        states.append(self.core.state)
        self.assertEqual(states, ["ready", "degraded", "draining"])

    def test_counts(self) -> None:
        """Sessions are those logged in, however they came and went; uptime counts from the start."""
        Client(self.world)
        clients = [logged_in(self.world, name) for name in ("alice", "bob")]
        self.assertEqual(self.core.session_count(), 2)
        for _ in range(2):
            clients[0].leave()
        clients[1].session.close("STOPPING", "")
        clients[1].leave()
        self.assertEqual(self.core.session_count(), 0)
        self.world.pass_seconds(7)
        self.assertEqual(self.core.uptime_seconds(), 7)

    def test_hello(self) -> None:
        """Welcome says what is allowed here."""
        limits = self.world.limits
        self.assertEqual(
            Client(self.world).ask(r.Hello("test")),
            e.Welcome(
                "imserver", True, limits.max_frame_bytes, limits.max_body_bytes, limits.window_messages
            ),
        )

    def test_drain(self) -> None:
        """Everybody is told to go, each at another moment within the spread; reading goes on."""
        clients = [logged_in(self.world, "alice") for _ in range(5)]
        draws = iter((0, 2**30, 2**31, 3 * 2**30, 2**32 - 1))
        self.core.token_bytes = lambda length: next(draws).to_bytes(length, "big")
        self.core.begin_drain(10_000)
        told = sorted(event.after_ms for client in clients for event in client.of(e.GoAway))
        self.assertEqual(told, [0, 2500, 5000, 7500, 9999])
        self.assertEqual(clients[0].code(r.ListConversations(0, 0)), "")

    def test_stopped(self) -> None:
        """After the stop no timer is left."""
        logged_in(self.world, "alice").leave()
        result(self.core.stop())
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_stopped_while_the_store_takes_nothing(self) -> None:
        """A degraded store does not keep the core from stopping."""

        async def unavailable(*_: object) -> None:
            raise AssertionError("it was asked")

        alice, bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        conversation = group(alice, bob.session.number)
        bob.ask(r.MarkDelivered(conversation, 1))
        self.world.store.state = "degraded"
        self.world.store.save_cursors = unavailable
        result(self.core.stop())

    def test_new_limits(self) -> None:
        """Limits can be replaced while people are here."""
        alice = logged_in(self.world, "alice")
        account(self.world, "bob")
        conversation = group(alice)
        self.core.set_limits(replace(LIMITS, max_body_bytes=3))
        self.assertEqual(alice.code(text(conversation, "long")), "BODY_TOO_LARGE")
        self.assertEqual(alice.code(text(conversation, "ok")), "")

    def test_lag(self) -> None:
        """A reactor that was blocked for a second makes the server refuse sends until it runs again."""
        alice = logged_in(self.world, "alice")
        conversation = group(alice)
        self.world.clock.advance(1.6)
        self.assertEqual(alice.code(text(conversation, "late")), "RETRY_AFTER")
        self.world.pass_seconds(1)
        for again in ("late", "in time"):
            self.assertEqual(alice.code(text(conversation, again)), "")
