"""A client of the telnet wire for tests: what a person with nc types, and reads."""

import re

from imserver.net.framing import LineFraming
from tests.contracts.wire import WireClient

# Whoever reads knows its sentences; what is none of them and has a head came from somebody.
_SENT = re.compile(r"Sent to (\S+)\.")
_GREETINGS = ("This is imserver.", "You are logged in as ")
_MESSAGE = re.compile(r"((?:\*\d+ )?[a-z0-9._-]+): (.*)")
_SHOWN = re.compile(r"<U\+([0-9A-F]{4,6})>")


class TelnetClient(WireClient):
    """Reads lines; types nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._framing = LineFraming(1 << 22)
        self.lines: list[str] = []

    def log_in(self, name: str, password: str) -> bytes:
        return f"login {name} {password}\n".encode()

    def send_to(self, name: str, text: str) -> bytes:
        return f"msg {name} {text}\r\n".encode()

    def receive(self, data: bytes) -> bytes:
        self._framing.receive(data)
        for frame in self._framing.frames():
            self._line(frame.decode())
        return b""

    def _line(self, line: str) -> None:
        self.lines.append(line)
        if _SENT.fullmatch(line):
            self.acknowledged += 1
        elif line.startswith("You are logged in as "):
            self.logged_in = True
        elif message := _MESSAGE.fullmatch(line):
            self.arrived.append((message[1], _SHOWN.sub(lambda found: chr(int(found[1], 16)), message[2])))
        elif not line.startswith(_GREETINGS):
            self.refused.append(line)
