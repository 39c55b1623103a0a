"""The third-party wire of examples/ keeps the wire contract."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.net.framing import LineFraming
from tests.contracts.wire import WireClient, WireContract

EXAMPLE = Path(__file__).parents[2] / "examples" / "imserver" / "wires" / "slate.py"


def example() -> dict[str, object]:
    """What the example's file defines."""
    defined: dict[str, object] = {"__name__": "slate"}
    exec(compile(EXAMPLE.read_text(), str(EXAMPLE), "exec"), defined)
    return defined


class SlateClient(WireClient):
    """Somebody with nc."""

    def __init__(self) -> None:
        super().__init__()
        self._framing = LineFraming(1 << 20)

    def log_in(self, name: str, password: str) -> bytes:
        return f"login {name} {password}\n".encode()

    def send_to(self, name: str, text: str) -> bytes:
        return f"to {name} {text}\r\n".encode()

    def receive(self, data: bytes) -> bytes:
        self._framing.receive(data)
        for frame in self._framing.frames():
            self._line(frame.decode())
        return b""

    def _line(self, line: str) -> None:
        if line == "ok":
            self.acknowledged += self.logged_in
            self.logged_in = True
        elif line.startswith("from "):
            _, name, text = line.split(" ", 2)
            self.arrived.append((name, text))
        else:
            self.refused.append(line)


class SlateTests(WireContract, SynchronousTestCase):
    """The contract, by lines."""

    dialect = example()["slate"].dialect
    client = SlateClient
    nonsense = (b"GET / HTTP/1.1\r\n", b"\n", b"\0\xff\xfe\n", b"SSH-2.0-OpenSSH_9.2\r\n")
    too_long = b"x" * 8194
