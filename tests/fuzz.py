"""Feeds every decoder bytes that are almost right, and many that are not.

    python -m tests.fuzz [--inputs 1000000] [--seed 1] [TARGET ...]

A decoder gives a value or its own clear error and nothing else.  Inputs are mutations of good ones.  The same
seed gives the same inputs; what breaks a decoder is printed in hex and belongs into a test.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from struct import pack
from typing import Any

from twisted.internet.task import Clock

from imserver.codecs import gogotalk, rtf
from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.errors import UnreadableRequest, WireError
from imserver.core.limits import Limits
from imserver.net import proxy
from imserver.net.framing import Framing, Int32Framing, LineFraming
from imserver.net.telnet import IAC, TelnetFraming
from imserver.net.zinx import LTV, TLV, ZinxFraming
from imserver.wires.status import MIN_REQUEST_BYTES, StatusProtocol
from tests import native_page

MAX_INPUT_BYTES = 4096
MAX_FRAME_BYTES = 300
_LENGTHS = (0, 1, 4, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 2**31 - 1, 2**31, 2**32 - 1)

_RTF = (
    rb"{\rtf1\ansi\ansicpg936{\fonttbl{\f0\fnil\fcharset134 x;}}{\*\x y}\f0\uc1 \'c4\'e3\u28450?\bin2 {{\par}"
)
Decode = Callable[[bytes, Random], None]


@dataclass(slots=True, frozen=True)
class Target:
    """`decode` raises only if the decoder does what it must not; `seeds` are inputs it accepts."""

    decode: Decode
    seeds: Sequence[bytes]


def mutations(seeds: Sequence[bytes], random: Random) -> Iterator[bytes]:
    """Endlessly: a seed, changed in one to four places."""
    changes = (_flip, _insert, _delete, _repeat, _put_length, _cut)
    while True:
        data = random.choice(seeds)
        if random.random() < 0.2:
            data += random.choice(seeds)
        for _ in range(random.randint(1, 4)):
            data = random.choice(changes)(data, random.randint(0, len(data)), random)
        yield data[:MAX_INPUT_BYTES]


def _flip(data: bytes, at: int, random: Random) -> bytes:
    return data[:at] + bytes([random.getrandbits(8)]) + data[at + 1 :]


def _insert(data: bytes, at: int, random: Random) -> bytes:
    return data[:at] + random.randbytes(random.randint(1, 12)) + data[at:]


def _delete(data: bytes, at: int, random: Random) -> bytes:
    return data[:at] + data[at + random.randint(1, 12) :]


def _repeat(data: bytes, at: int, random: Random) -> bytes:
    return data[:at] + data[at : at + 16] * random.randint(2, 8) + data[at:]


def _put_length(data: bytes, at: int, random: Random) -> bytes:
    return data[:at] + pack("!I", random.choice(_LENGTHS)) + data[at + 4 :]


def _cut(data: bytes, at: int, random: Random) -> bytes:
    return data[:at]


# -- targets -----------------------------------------------------------------------------------------


def _chunked(make: Callable[[int], Framing]) -> Decode:
    """However the bytes are cut, the frames are the same, and so is the error."""

    def decode(data: bytes, random: Random) -> None:
        pieces = _pieces(data, random)
        whole, cut = _frames(make(MAX_FRAME_BYTES), [data]), _frames(make(MAX_FRAME_BYTES), pieces)
        assert whole == cut, f"{pieces} gives {cut}, in one piece {whole}"

    return decode


def _pieces(data: bytes, random: Random) -> list[bytes]:
    """Cut somewhere."""
    cuts = sorted(random.randint(0, len(data)) for _ in range(random.randint(0, 6)))
    return [data[start:end] for start, end in pairwise([0, *cuts, len(data)])]


def _telnet(data: bytes, random: Random) -> None:
    """The lines are the same, and as long as there is no error, so are the commands beside them."""

    def found(pieces: Sequence[bytes]) -> tuple[list[bytes], list[bytes], bool]:
        frames, ended = _frames(TelnetFraming(MAX_FRAME_BYTES), pieces)
        commands = [] if ended else [frame for frame in frames if frame.startswith(IAC)]
        return [frame for frame in frames if not frame.startswith(IAC)], commands, ended

    pieces = _pieces(data, random)
    assert found([data]) == found(pieces), f"{pieces} gives {found(pieces)}, in one piece {found([data])}"


def _frames(framing: Framing, pieces: Sequence[bytes]) -> tuple[list[bytes], bool]:
    """-> the frames, and whether an error ended them."""
    found: list[bytes] = []
    try:
        for piece in pieces:
            framing.receive(piece)
            found.extend(framing.frames())
    except WireError:
        return found, True
    return found, False


def _native_request(data: bytes, random: Random) -> None:
    try:
        ProtobufCodec().decode(data)
    except (UnreadableRequest, WireError):
        return


def _native_event(data: bytes, random: Random) -> None:
    try:
        ProtobufCodec().decode_event(data)
    except WireError:
        return


def _gogotalk_request(data: bytes, random: Random) -> None:
    try:
        gogotalk.decode(data[0] if data else 0, data[1:])
    except (UnreadableRequest, WireError):
        return


def _rtf(data: bytes, random: Random) -> None:
    assert "\0" not in rtf.to_text(data)


def _proxy_header(data: bytes, random: Random) -> None:
    try:
        header = proxy.parse(data)
    except WireError:
        return
    assert header is None or header.length <= min(len(data), proxy.MAX_BYTES)


class _StatusPeer:
    """The core and the transport of a status protocol, which tells how long the answers are."""

    state = "ready"
    longest_answer = 0

    def uptime_seconds(self) -> int:
        return 1

    def session_count(self) -> int:
        return 1

    def write(self, answer: bytes, addr: Any) -> None:
        self.longest_answer = len(answer)


def _status(data: bytes, random: Random) -> None:
    clock = Clock()
    peer = _StatusPeer()
    protocol = StatusProtocol(peer, _StatusOptions(clock))
    protocol.transport = peer
    protocol.datagramReceived(data, ("127.0.0.1", 9))
    assert peer.longest_answer <= len(data), "an answer longer than its request"
    assert not peer.longest_answer or len(data) >= MIN_REQUEST_BYTES, "an answer to a short request"


@dataclass(slots=True)
class _StatusOptions:
    """What of ListenerOptions the status protocol asks for."""

    reactor: Clock

    def limits(self) -> Limits:
        return Limits()


def targets() -> dict[str, Target]:
    """Every decoder that strangers can reach, by name."""
    steps = native_page.steps()
    requests = [step.frame for step in steps if step.to_server]
    events = [step.frame for step in steps if not step.to_server]
    packets = [
        (1, b"\x0a\x05alice\x12\x02pw\x18\x02"),
        (3, b"\x0a\x05alice\x2a\x03jpg"),
        (13, b"\x0a\x05alice\x1a\x02hi"),
    ]
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(range(12))
    return {
        "int32-framing": Target(_chunked(Int32Framing), requests),
        "line-framing": Target(_chunked(LineFraming), [b"send bob hello\r\n", b"login alice\n", b"\r\n"]),
        "zinx-framing": Target(
            _chunked(ZinxFraming), [packing.pack(*one) for packing in (LTV, TLV) for one in packets]
        ),
        "gogotalk-requests": Target(
            _gogotalk_request, [bytes((command,)) + body for command, body in packets]
        ),
        "rtf": Target(_rtf, [rtf.from_text("naïve 漢字 🙂 {}"), _RTF]),
        "telnet-framing": Target(
            _telnet,
            [
                b"msg bob hello\r\0\xff\xfd\x03who\r\n",
                b"lo\xff\xfa\x27\0USER\1root\xff\xf0gin\xff\xff\xff\xf6 alice\n",
            ],
        ),
        "native-requests": Target(_native_request, [frame[4:] for frame in requests]),
        "native-events": Target(_native_event, [frame[4:] for frame in events]),
        "proxy-header": Target(_proxy_header, [b"PROXY TCP4 10.0.0.1 10.0.0.2 4711 8890\r\n", v2]),
        "status": Target(_status, [b"IMSQ\x01".ljust(64, b"n"), b"IMSQ\x01".ljust(80, b"\0")]),
    }


# -- running -----------------------------------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class Broken:
    """The input that a decoder did not bear, and what it raised."""

    data: bytes
    error: Exception


def fuzz(target: Target, inputs: int, seed: int) -> Broken | None:
    """Feed that many mutations; -> the first that breaks it."""
    random = Random(seed)
    stream = mutations(target.seeds, random)
    for _ in range(inputs):
        data = next(stream)
        try:
            target.decode(data, random)
        except Exception as error:
            return Broken(data, error)
    return None


def main(arguments: Sequence[str]) -> int:
    """The command line; -> the exit status."""
    known = targets()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzzes the decoders.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each target (default: a million)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("target", nargs="*", help=f"of {', '.join(known)}; default: all")
    chosen = parser.parse_args(arguments)
    broken = 0
    for name in chosen.target or known:
        started = time.monotonic()
        found = fuzz(known[name], chosen.inputs, chosen.seed)
        seconds = time.monotonic() - started
        print(f"{name}: {chosen.inputs} inputs, {seconds:.1f} s: {'clean' if found is None else 'BROKEN'}")
        if found is not None:
            broken += 1
            print(f"  {found.error!r}\n  by {found.data.hex()}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
