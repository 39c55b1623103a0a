"""imserver.operator.admin_socket: who may open it, and what it answers to whatever comes."""

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock, StringTransport

from imserver.net.listeners import CannotListen
from imserver.operator import admin_socket
from imserver.operator.admin_socket import IDLE_SECONDS, MAX_CONNECTIONS, AdminSocket, _Factory, reachable
from tests.core.client import Hesitant, Turnstile, account
from tests.operator.operated import OperatedCase


class UnixTransport(StringTransport):
    """Knows the process at the other end: this one."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = socket.socketpair()

    def getHandle(self) -> socket.socket:
        return self.ends[0]


class ConnectionTests(OperatedCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory = _Factory(self.core)
        self.protocol, self.transport = self.connect()

    def connect(self) -> tuple[Any, UnixTransport]:
        protocol, transport = self.factory.buildProtocol(None), UnixTransport()
        for end in transport.ends:
            self.addCleanup(end.close)
        protocol.makeConnection(transport)
        self.addCleanup(protocol.setTimeout, None)
        return protocol, transport

    def answers(self, data: bytes) -> list[dict[str, Any]]:
        """What is said to that."""
        self.transport.clear()
        self.protocol.dataReceived(data)
        self.world.settle()
        return [json.loads(line) for line in self.transport.value().splitlines()]

    def test_answer(self) -> None:
        """A line of JSON asks, a line of JSON answers."""
        account(self.world, "alice")
        (answer,) = self.answers(b'{"line": "accounts list"}\n')
        self.assertEqual(answer, {"lines": ["100001     alice"], "rest": ""})

    def test_password(self) -> None:
        """A password comes beside the line."""
        (answer,) = self.answers(b'{"line": "accounts create alice", "password": "correct horse"}\n')
        self.assertEqual(answer["lines"], ["alice has an account"])

    def test_refusal(self) -> None:
        """A refusal is a code and a sentence, and the connection goes on."""
        (refused,) = self.answers(b'{"line": "accounts freeze nobody"}\n')
        self.assertEqual(refused, {"refused": "NOT_FOUND", "text": "there is no such account"})
        self.assertEqual(len(self.answers(b'{"line": "statistics"}\n')), 1)

    def test_nonsense(self) -> None:
        """What is no question is refused."""
        for line in (
            b"",
            b"help",
            b"[]",
            b"{}",
            b'{"line": 1}',
            b'"line"',
            b"\xff",
            b'{"line": "statistics", "password": 1}',
        ):
            (refused,) = self.answers(line + b"\n")
            self.assertEqual(refused["refused"], "BAD_REQUEST", line)

    def test_actor(self) -> None:
        """The log names the user at the other end."""
        self.answers(b'{"line": "statistics"}\n')
        self.assertIn(f"(uid {os.getuid()})", self.audit[0][0])

    def test_bug(self) -> None:
        """A bug of ours is logged, and answered."""

        async def fail(*_: Any) -> None:
            raise ZeroDivisionError

        self.patch(self.world.store, "accounts", fail)
        (refused,) = self.answers(b'{"line": "accounts list"}\n')
        self.assertEqual(refused["refused"], "INTERNAL")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_one_at_a_time(self) -> None:
        """Who asks before he has the answer is cut off; what he asked first is done."""
        account(self.world, "alice")
        turnstile = Turnstile()
        self.core.store = Hesitant(self.world.store, turnstile)
        turnstile.closed = True
        self.answers(b'{"line": "accounts freeze alice"}\n{"line": "statistics"}\n')
        self.assertTrue(self.transport.disconnecting)
        turnstile.open()
        self.world.settle()
        self.assertEqual([each[1:] for each in self.audit], [("accounts freeze", "alice", "done")])

    def test_gone(self) -> None:
        """Who leaves before the answer gets none, and nothing breaks."""
        turnstile = Turnstile()
        self.core.store = Hesitant(self.world.store, turnstile)
        turnstile.closed = True
        self.answers(b'{"line": "accounts list"}\n')
        self.protocol.connectionLost()
        turnstile.open()
        self.world.settle()
        self.assertEqual(self.transport.value(), b"")
        self.assertEqual(len(self.audit), 1)

    def test_too_long(self) -> None:
        """A line without end is cut off."""
        self.answers(b"x" * (admin_socket.MAX_LINE_BYTES + 1))
        self.assertTrue(self.transport.disconnecting)

    def test_idle(self) -> None:
        """Who asks nothing for long is cut off; a command may take as long as it takes."""
        self.world.clock.advance(IDLE_SECONDS - 1)
        self.answers(b'{"line": "statistics"}\n')
        self.world.clock.advance(IDLE_SECONDS - 1)
        self.assertFalse(self.transport.disconnecting)
        turnstile = Turnstile()
        self.core.store = Hesitant(self.world.store, turnstile)
        turnstile.closed = True
        self.answers(b'{"line": "accounts list"}\n')
        self.world.clock.advance(2 * IDLE_SECONDS)
        self.assertFalse(self.transport.disconnecting)
        turnstile.open()
        self.world.clock.advance(IDLE_SECONDS + 1)
        self.assertTrue(self.transport.disconnecting)

    def test_bounded(self) -> None:
        """So many at once, and one more when one has gone."""
        for _ in range(MAX_CONNECTIONS - 1):
            self.connect()
        self.assertIsNone(self.factory.buildProtocol(None))
        self.protocol.connectionLost()
        self.assertIsNotNone(self.factory.buildProtocol(None))


class SocketTests(OperatedCase):
    """The socket in the file system."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp())
        self.folder.mkdir(parents=True)
        self.path = self.folder / "admin.sock"
        self.reactor = MemoryReactorClock()

    def started(self) -> AdminSocket:
        service = AdminSocket(self.core, self.folder, self.reactor)
        service.privilegedStartService()
        self.addCleanup(self.stop, service)
        return service

    def stop(self, service: AdminSocket) -> None:
        stopped = service.stopService()
        self.reactor.advance(0)
        self.successResultOf(stopped)

    def connects(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, reachable(self.path) as name:
            return client.connect_ex(name) == 0

    def test_private(self) -> None:
        """Mode 0600 from its first moment, whatever the umask is; the umask stays."""
        modes = []
        bind = socket.socket.bind

        def bind_and_look(bound: socket.socket, address: Any) -> None:
            bind(bound, address)
            modes.append(stat.S_IMODE(self.path.stat().st_mode))

        self.patch(admin_socket.UnixPort, "createInternetSocket", _looking(bind_and_look))
        before = os.umask(0)
        try:
            self.started()
            self.assertEqual(os.umask(0), 0)
        finally:
            os.umask(before)
        self.assertEqual((modes, stat.S_IMODE(self.path.stat().st_mode)), ([0o600], 0o600))
        self.assertTrue(self.connects())

    def test_long_path(self) -> None:
        """A path that is too long for a socket's name will do."""
        self.folder = self.folder / ("x" * 120)
        self.folder.mkdir()
        self.path = self.folder / "admin.sock"
        self.started()
        self.assertTrue(self.connects())

    def test_left_behind(self) -> None:
        """What a dead daemon left is replaced; so is anything else of that name."""
        with socket.socket(socket.AF_UNIX) as dead, reachable(self.path) as name:
            dead.bind(name)
        self.started()
        self.assertTrue(self.connects())

    def test_stopped(self) -> None:
        """Stopping removes it; somebody may have done so before."""
        for removed in (False, True):
            service = self.started()
            if removed:
                self.path.unlink()
            self.stop(service)
            self.assertFalse(self.path.exists())

    def test_impossible(self) -> None:
        """Where it cannot be made the start ends with a sentence."""
        self.path.mkdir()
        (self.path / "x").touch()
        service = AdminSocket(self.core, self.folder, self.reactor)
        self.assertIn(
            "admin.sock cannot be made", str(self.assertRaises(CannotListen, service.privilegedStartService))
        )


def _looking(bind: Any) -> Any:
    class Looking(socket.socket):
        def bind(self, address: Any) -> None:
            bind(self, address)

    return lambda port: Looking(socket.AF_UNIX)
