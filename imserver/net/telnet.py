"""Lines from people at a terminal: telnet's own commands (RFC 854) are taken out of the stream.

A line ends with LF, CR LF, or CR NUL, as telnet sends the return key.  Of the commands, those that want an answer
are given as frames of their own, which begin with IAC (255): no text in UTF-8 has that byte.  All options are
refused; what a client tells about itself in a subnegotiation (its terminal, its environment) is skipped as it comes
and never kept.  Nothing here depends on a client being telnet: with nc there are no commands.
"""

from collections import deque
from collections.abc import Iterator

from imserver.core.errors import WireError
from imserver.net.framing import LineFraming

MAX_LINE_BYTES = 4096
MAX_SUBNEGOTIATION_BYTES = 4096

IAC = b"\xff"
_SE, _AYT, _SB, _WILL, _WONT, _DO, _DONT, _IAC = 240, 246, 250, 251, 252, 253, 254, 255
_PLAIN = frozenset(range(236, 250))  # end of file ... go ahead: they mean nothing to a chat, but for AYT
_ECHO = 1  # RFC 857
_ESCAPED = b"\xfe"  # for IAC IAC: a byte as wrong in UTF-8 as 255, and no beginning of a command

HIDE_TYPING = bytes([_IAC, _WILL, _ECHO])  # "I echo", and then we do not
SHOW_TYPING = bytes([_IAC, _WONT, _ECHO])


def answer(command: bytes) -> bytes:
    """What to say to a command that the framing gives."""
    match tuple(command[1:]):
        case (kind, option) if kind == _DO and option == _ECHO:
            return b""  # the answer to HIDE_TYPING
        case (kind, option):
            return bytes([_IAC, _WONT if kind == _DO else _DONT, option])
    return b"[yes]\r\n"  # to "are you there?"


class TelnetFraming(LineFraming):
    """A command that is none, or a subnegotiation without end, ends the connection without a word."""

    __slots__ = ("_broken", "_commands", "_ended_in_cr", "_max_bytes", "_rest", "_skipped")

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._commands: deque[bytes] = deque()
        self._rest = b""  # the beginning of a command
        self._skipped = -1  # bytes of the subnegotiation; -1: there is none
        self._ended_in_cr = False
        self._broken = False

    @property
    def max_bytes(self) -> int:
        """Of a line; never more than people type."""
        return self._max_bytes

    @max_bytes.setter
    def max_bytes(self, allowed: int) -> None:
        self._max_bytes = min(allowed, MAX_LINE_BYTES)

    def receive(self, data: bytes) -> None:
        """Take in what arrived."""
        if self._rest or self._skipped >= 0 or IAC in data:
            data = self._without_commands(self._rest + data)
        if not data:
            return
        if self._ended_in_cr and data[0] == 0:
            data = b"\n" + data[1:]
        data = data.replace(b"\r\0", b"\r\n")
        self._ended_in_cr = data.endswith(b"\r")
        super().receive(data)

    def frames(self) -> Iterator[bytes]:
        """The commands and then the lines that are complete; raises WireError."""
        while self._commands:
            yield self._commands.popleft()
        yield from super().frames()
        if self._broken:
            raise WireError("that is not telnet")

    def _without_commands(self, data: bytes) -> bytes:
        self._rest = b""
        text: list[bytes] = []
        position = 0
        while position < len(data) and not self._broken:
            start = data.find(IAC, position)
            if start < 0:
                start = len(data)
            if self._skipped < 0:
                text.append(data[position:start])
            else:
                self._skip(start - position)
            position = start + self._command(data[start : start + 3], text)
            if position == start:  # not all of it is here
                self._rest = data[start:]
                break
        return b"".join(text)

    def _command(self, command: bytes, text: list[bytes]) -> int:
        """Obey what begins with IAC; -> its length, 0 as long as it is not complete."""
        if len(command) < 2:
            return 0
        kind = command[1]
        if self._skipped >= 0:
            self._skipped = -1 if kind == _SE else self._skipped
        elif kind in (_WILL, _WONT, _DO, _DONT):
            if len(command) < 3:
                return 0
            if kind in (_WILL, _DO):
                self._commands.append(command)
            return 3
        elif kind == _IAC:
            text.append(_ESCAPED)
        elif kind == _SB:
            self._skipped = 0
        elif kind == _AYT:
            self._commands.append(command[:2])
        elif kind not in _PLAIN:
            self._broken = True
        return 2

    def _skip(self, count: int) -> None:
        self._skipped += count
        self._broken = self._skipped > MAX_SUBNEGOTIATION_BYTES
