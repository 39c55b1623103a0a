"""Lines with telnet's commands among them, in any pieces."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import WireError
from imserver.net.telnet import HIDE_TYPING, MAX_LINE_BYTES, SHOW_TYPING, TelnetFraming, answer
from tests.costs import LINEAR, growth

IAC, SE, AYT, SB, WILL, WONT, DO, DONT = (bytes([n]) for n in (255, 240, 246, 250, 251, 252, 253, 254))
NEW_ENVIRON = b"\x27"
Found = tuple[list[bytes], list[bytes], bool]


def found(*pieces: bytes) -> Found:
    """-> lines, commands, and whether the connection ends."""
    framing = TelnetFraming(1 << 20)
    frames: list[bytes] = []
    try:
        for piece in pieces:
            framing.receive(piece)
            frames += framing.frames()
    except WireError:
        return *sorted_out(frames), True
    return *sorted_out(frames), False


def sorted_out(frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    return [each for each in frames if each[:1] != IAC], [each for each in frames if each[:1] == IAC]


class LineTests(SynchronousTestCase):
    def test_ends(self) -> None:
        """LF, CR LF and CR NUL end a line."""
        self.assertEqual(found(b"a\nb\r\nc\r\0d\r"), ([b"a", b"b", b"c"], [], False))

    def test_split_ends(self) -> None:
        """Also in two pieces, with a command between them."""
        self.assertEqual(
            found(b"a\r", b"\0b\r", b"\nc\r", IAC + AYT, b"\0"), ([b"a", b"b", b"c"], [IAC + AYT], False)
        )

    def test_too_long(self) -> None:
        """4,096 bytes pass, one more ends the connection, with or without an end, whatever the limit of frames."""
        line = b"x" * MAX_LINE_BYTES
        self.assertEqual(found(line + b"\r\n"), ([line], [], False))
        self.assertTrue(found(line + b"x\r\n")[2])
        self.assertTrue(found(line + b"xx")[2])

    def test_limit_before_login(self) -> None:
        """A lower limit holds."""
        framing = TelnetFraming(10)
        framing.receive(b"x" * 20)
        self.assertRaises(WireError, list, framing.frames())


class CommandTests(SynchronousTestCase):
    def test_all_pairs(self) -> None:
        """Of all pairs after IAC none raises anything but the end; what is known leaves the line as it was."""
        known = 0
        for one, other in product(range(256), repeat=2):
            data = b"hel" + IAC + bytes([one, other]) + b"lo\nworld\n"
            lines, commands, ended = found(data)
            if one in range(251, 255):
                self.assertEqual((lines, ended), ([b"hello", b"world"], False))
                self.assertEqual(commands, [IAC + bytes([one, other])] if one in (251, 253) else [])
                known += 1
            elif one < 236:
                self.assertTrue(ended)
            elif one not in (250, 255) and other not in (0xFF, 0x0A, 0x0D):
                self.assertEqual((lines, ended), ([b"hel" + bytes([other]) + b"lo", b"world"], False))
        self.assertEqual(known, 4 * 256)

    def test_escaped(self) -> None:
        """IAC IAC is a byte of the line, which is no text, and never looks like a command."""
        lines, commands, ended = found(IAC + IAC + DO + b"\x01\n")
        self.assertEqual((len(lines), commands, ended), (1, [], False))
        self.assertRaises(UnicodeDecodeError, lines[0].decode)

    def test_subnegotiation(self) -> None:
        """What a client tells about itself is skipped, whatever is in it, with escaped IACs and without."""
        payloads = (
            b"\x18\0xterm",
            NEW_ENVIRON + b"\0\0USER\1-f root",
            NEW_ENVIRON + b"\0\3LD_PRELOAD\1/tmp/x.so\n\r\0login root\n",
            b"\x22" + IAC + IAC + IAC + IAC,
            b"\x22" + IAC + DO + b"\x01",
            b"",
        )
        for payload in payloads:
            data = b"be" + IAC + SB + payload + IAC + SE + b"fore\n"
            for pieces in ((data,), tuple(bytes([byte]) for byte in data)):
                self.assertEqual(found(*pieces), ([b"before"], [], False), payload)

    def test_endless_subnegotiation(self) -> None:
        """It ends the connection after 4,096 bytes, and none of them is kept."""
        framing = TelnetFraming(1 << 20)
        framing.receive(IAC + SB + b"x" * 4096)
        self.assertEqual(list(framing.frames()), [])
        framing.receive(b"x")
        self.assertRaises(WireError, list, framing.frames())
        self.assertEqual(framing.unread_bytes, 0)

    def test_a_great_deal(self) -> None:
        """50 MB within a subnegotiation are over at once; what fits is taken in."""
        self.assertEqual(found(IAC + SB, b"x" * 50_000_000), ([], [], True))
        self.assertEqual(found(IAC + SB, (IAC + IAC) * 1_000), ([], [], False))

    def test_linear(self) -> None:
        """Commands cost what they weigh, however many and however they dribble (T26)."""

        def at_once(size: int) -> None:
            self.assertEqual(found(commands(size))[0], [b"hello"])

        def dribbling(size: int) -> None:
            data = commands(size)
            self.assertEqual(found(*(data[at : at + 7] for at in range(0, len(data), 7)))[0], [b"hello"])

        def commands(size: int) -> bytes:
            return (IAC + b"\xf1" + IAC + DONT + b"\x03") * size + b"hello\n"

        self.assertLess(growth(at_once, 40_000), LINEAR)
        self.assertLess(growth(dribbling, 40_000), LINEAR)

    @given(
        st.lists(
            st.sampled_from(
                [
                    b"a",
                    b"\xc3\xa9",
                    b"\r",
                    b"\n",
                    b"\0",
                    b"x" * 3000,
                    IAC,
                    SB,
                    SE,
                    DO,
                    WILL,
                    DONT,
                    AYT,
                    b"\x05",
                ]
            ),
            max_size=40,
        ).map(b"".join),
        st.lists(st.integers(1, 50), max_size=60),
    )
    def test_any_pieces(self, data: bytes, sizes: list[int]) -> None:
        """However a stream is cut, the same lines and commands come out of it."""
        pieces, rest = [], data
        for size in sizes:
            pieces.append(rest[:size])
            rest = rest[size:]
        self.assertEqual(found(*pieces, rest), found(data))

    @given(st.lists(st.binary(max_size=50)))
    def test_any_bytes(self, pieces: list[bytes]) -> None:
        """Anything is lines, commands, or the end."""
        found(*pieces)


class AnswerTests(SynchronousTestCase):
    def test_everything_is_refused(self) -> None:
        """DO is answered by WONT and WILL by DONT, for every option."""
        for option in (bytes([n]) for n in range(256)):
            self.assertEqual(answer(IAC + WILL + option), IAC + DONT + option)
            if option != b"\x01":
                self.assertEqual(answer(IAC + DO + option), IAC + WONT + option)

    def test_echo(self) -> None:
        """DO ECHO is what a client says to our WILL ECHO: to answer it would never end."""
        self.assertEqual(answer(IAC + DO + b"\x01"), b"")
        self.assertEqual((HIDE_TYPING, SHOW_TYPING), (IAC + WILL + b"\x01", IAC + WONT + b"\x01"))

    def test_are_you_there(self) -> None:
        """Yes."""
        self.assertEqual(answer(IAC + AYT), b"[yes]\r\n")
