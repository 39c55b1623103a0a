"""The administrator's socket: a UNIX socket in the data folder, and whoever may open it is the operator.

It speaks JSON, one object a line: {"line": "accounts list", "password": "..."} asks, and one line answers:
{"lines": [...], "rest": "..."} or {"refused": "CODE", "text": "..."}.  One question at a time.

The folder has mode 0700; the socket is made with mode 0600 at once, because the umask says so while it is
bound.  What a dead daemon left behind is replaced: that it is dead, the lock on the folder says.
"""

import json
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.tcp import Port as TcpPort
from twisted.internet.unix import Port as UnixPort
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from imserver.core.errors import ChatError, Code
from imserver.net.listeners import CannotListen
from imserver.operator.table import run

if TYPE_CHECKING:
    from imserver.core.core import Core

NAME = "admin.sock"
MAX_LINE_BYTES = 256 * 1024
MAX_CONNECTIONS = 16
IDLE_SECONDS = 60.0
_UCRED = Struct("3i")  # pid, uid, gid: see unix(7), SO_PEERCRED


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A short name for the path of a socket, because those of more than 107 bytes cannot be used."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def peer_of(connected: socket.socket) -> tuple[int, int]:
    """-> the process and the user at the other end."""
    pid, uid, _ = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return pid, uid


class _Connection(LineOnlyReceiver, TimeoutMixin):
    """One imadmin, or any other program of the operator's."""

    _log = Logger()
    delimiter = b"\n"
    MAX_LENGTH = MAX_LINE_BYTES
    factory: "_Factory"
    transport: Any

    def connectionMade(self) -> None:
        """Twisted: somebody may open the socket."""
        uid = peer_of(self.transport.getHandle())[1]
        self._actor = f"{_user_name(uid)} (uid {uid})"
        self._busy = False
        self.factory.connections.add(self)
        self.setTimeout(IDLE_SECONDS)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: it has gone; what it asked for last is done all the same."""
        self.factory.connections.discard(self)
        self.setTimeout(None)

    def lineReceived(self, line: bytes) -> None:
        """Twisted: a question."""
        if self._busy:
            self.transport.loseConnection()
            return
        self._busy = True
        self.setTimeout(None)
        Deferred.fromCoroutine(self._answer(line))

    async def _answer(self, line: bytes) -> None:
        answer = await self._answer_to(line)
        self._busy = False
        if self in self.factory.connections:
            self.setTimeout(IDLE_SECONDS)
            self.sendLine(json.dumps(answer).encode())

    async def _answer_to(self, line: bytes) -> dict[str, Any]:
        try:
            answer = await run(self.factory.core, self._actor, *_question(line))
        except ChatError as error:
            return {"refused": error.code, "text": error.text}
        except Exception:
            self._log.failure("a command of the operator's failed")
            return {"refused": Code.INTERNAL, "text": "the server failed; its log says more"}
        return {"lines": answer.lines, "rest": answer.rest}

    def callLater(self, period: float, func: Any) -> Any:
        """TimeoutMixin: by the daemon's clock."""
        return self.factory.core.clock.callLater(period, func)


def _question(line: bytes) -> tuple[str, str]:
    """-> the command's line and the password; raises BAD_REQUEST."""
    try:
        asked = json.loads(line)
    except ValueError:
        asked = None
    match asked:
        case {"line": str() as command, "password": str() as password}:
            return command, password
        case {"line": str() as command} if "password" not in asked:
            return command, ""
    raise ChatError(Code.BAD_REQUEST, 'a question is a JSON object: {"line": "statistics"}')


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "unknown"


class _Factory(Factory):
    noisy = False
    protocol = _Connection  # type: ignore[assignment]

    def __init__(self, core: "Core") -> None:
        self.core = core
        self.connections: set[_Connection] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Twisted: somebody connects; beyond MAX_CONNECTIONS in vain."""
        if len(self.connections) >= MAX_CONNECTIONS:
            return None
        return super().buildProtocol(addr)


class _Port(UnixPort):
    """Twisted's would fail if somebody has removed the socket meanwhile."""

    def connectionLost(self, reason: Failure) -> None:
        TcpPort.connectionLost(self, reason)


class AdminSocket(Service):
    """Listens while the daemon runs; `folder` is locked by this process."""

    def __init__(self, core: "Core", folder: Path, reactor: Any) -> None:
        self.name = "admin socket"
        self._path = folder / NAME
        self._factory = _Factory(core)
        self._reactor = reactor
        self._port: _Port | None = None

    def privilegedStartService(self) -> None:
        """Bind.  Raises CannotListen."""
        super().privilegedStartService()
        try:
            self._path.unlink(missing_ok=True)
            self._bind()
        except (OSError, CannotListenError) as error:
            raise CannotListen(f"{self._path} cannot be made: {error}") from error

    def _bind(self) -> None:
        umask = os.umask(0o177)
        try:
            with reachable(self._path) as name:
                self._port = _Port(name, self._factory, mode=0o600, reactor=self._reactor)  # type: ignore[arg-type]
                self._port.startListening()
        finally:
            os.umask(umask)

    def stopService(self) -> Deferred[None]:
        """Close the socket, and remove it; whoever is connected is cut off."""
        super().stopService()
        port, self._port = self._port, None
        self._path.unlink(missing_ok=True)
        for connection in tuple(self._factory.connections):
            connection.transport.abortConnection()
        return maybeDeferred(port.stopListening if port else lambda: None)
