"""Reads a trace of system calls and finds whoever was told of a message before it was safely on disk."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.events import Event, History, MessageArrived, Sent
from imserver.core.singly import singly
from imserver.core.values import Message
from imserver.net.framing import Int32Framing

CALLS = "fdatasync,fsync,write,writev,pwrite64,sendto,sendmsg"
# -f: all threads; -yy: what a descriptor is; -xx: strings in hexadecimal, whole (-s).
STRACE = ("strace", "-f", "-yy", "-xx", "-s", "1000000", "-e", f"trace={CALLS}")
WAL = "imserver.db-wal"

_CALL = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\(\d+<(?P<target>TCP:\[[^]]*\]|[^>]*)>(?P<rest>.*)")
_RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")
_RESULT = re.compile(r".* = (\d+)$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_MAX_FRAME_BYTES = 1024 * 1024


@dataclass(slots=True, frozen=True)
class Call:
    """A call that succeeded: it began with one line of the trace and had ended with another."""

    name: str
    target: str
    data: bytes
    began: int
    ended: int


@dataclass(slots=True, frozen=True)
class Told:
    """An event on its way to a client, by a call that began with that line."""

    event: Event
    began: int


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls, in the order in which they ended; what another thread interrupted is put together again."""
    unfinished: dict[str, Call] = {}
    for number, line in enumerate(lines):
        if match := _CALL.match(line):
            data = b"".join(map(_bytes, _STRING.findall(match["rest"])))
            target = _text(match["target"])
            call = Call(match["name"], target, data, number, number)
        elif match := _RESUMED.match(line):
            call = replace(unfinished.pop(match["thread"]), ended=number)
        else:
            continue
        if match["rest"].endswith("<unfinished ...>"):
            unfinished[match["thread"]] = call
        elif result := _RESULT.match(match["rest"]):
            yield replace(call, data=call.data[: int(result[1])])


def told_too_early(trace: Iterable[Call], bodies: Iterable[bytes]) -> list[str]:
    """What clients were told of messages whose write was not yet synced; empty if nobody was.

    An event counts when its first byte is handed to the kernel.  Every body must have been written and told.
    """
    trace = list(trace)
    written = {body: _first_write(trace, body) for body in bodies}
    syncs = [call for call in trace if call.name in ("fdatasync", "fsync") and call.target.endswith(WAL)]
    told = list(_told(trace))
    body_of = {message.seq: message.body for it in told for message in _shown(it.event)}
    early = [f"never shown: {body!r}" for body in written if body not in body_of.values()]
    for it in told:
        for seq in _seqs(it.event):
            write = written.get(body_of.get(seq, b""))
            if write is not None and not _safe(write, syncs, it.began):
                early.append(f"line {it.began + 1}: seq {seq} in {it.event}")
    return early


def _first_write(trace: list[Call], body: bytes) -> Call:
    return next(
        call for call in trace if call.name == "pwrite64" and call.target.endswith(WAL) and body in call.data
    )


def _safe(write: Call, syncs: list[Call], told: int) -> bool:
    return any(write.ended < sync.began and sync.ended < told for sync in syncs)


def _told(trace: list[Call]) -> Iterator[Told]:
    codec = ProtobufCodec()
    framings: dict[str, tuple[Int32Framing, int]] = {}
    for call in trace:
        if not call.target.startswith("TCP:"):
            continue
        framing, began = framings.get(call.target) or (Int32Framing(_MAX_FRAME_BYTES), call.began)
        if not framing.unread_bytes:
            began = call.began
        framing.receive(call.data)
        for frame in framing.frames():
            _, event = codec.decode_event(frame)
            for one, _ in singly(event, 0) if event else ():
                yield Told(one, began)
            began = call.began
        framings[call.target] = framing, began


def _shown(event: Event) -> list[Message]:
    match event:
        case MessageArrived():
            return [event.message]
        case History():
            return event.messages
    return []


def _seqs(event: Event) -> list[int]:
    return [event.seq] if isinstance(event, Sent) else [message.seq for message in _shown(event)]


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _text(target: str) -> str:
    return _bytes(target).decode() if target.startswith("\\x") else target
