"""Every kind of message and of news, on wires that show it and on wires that do not."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs import rtf
from imserver.core import notices
from imserver.core.capabilities import Capabilities
from imserver.core.changes import Action
from imserver.core.events import NEWS, Done, GoAway, MessageArrived, Refused, TypingChanged
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Extra, Gone, Kind, Message
from imserver.net.projection import ProjectingCodec, Projection, words

GROUP = Conversation(9, ConversationKind.GROUP, "title", ())
PLAIN = Capabilities("plain", kinds=frozenset([Kind.TEXT]), events=frozenset())
RICH = Capabilities("rich", kinds=frozenset([Kind.RICH]))


def message(kind: Kind, body: bytes, content_type: str = "") -> Message:
    return Message(9, 3, 100_001, "alice", b"id", kind, content_type, body, 1_790_000_000_000)


SAMPLES = {
    Kind.TEXT: (message(Kind.TEXT, "grüße".encode()), "grüße"),
    Kind.RICH: (message(Kind.RICH, rb"{\rtf1 {\b gr}\'fc\'dfe}"), "grüße"),
    Kind.OPAQUE: (message(Kind.OPAQUE, b"%" * 12 * 1024, "application/pdf"), "[application/pdf, 12 KiB]"),
    Kind.NOTICE: (
        message(Kind.NOTICE, notices.encode(Action.ADDED, "alice", ["bob", "carol"], "")),
        "alice added bob, carol",
    ),
    Kind.TOMBSTONE: (message(Kind.TOMBSTONE, b"", Gone.DAMAGED), "[damaged]"),
    Kind.EDIT: (message(Kind.EDIT, "grüße".encode()), "corrected: grüße"),
    Kind.RECALL: (message(Kind.RECALL, b""), "[has taken a message back]"),
    Kind.ATTENTION: (message(Kind.ATTENTION, b""), "[calls for your attention]"),
}


class MessageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lost: Counter[tuple[str, str]] = Counter()

    def test_all_kinds_are_here(self) -> None:
        """A new kind needs words of its own."""
        self.assertEqual(set(SAMPLES), set(Kind))

    def test_on_plain_text(self) -> None:
        """Everything becomes a text, else the same; what was no text is counted."""
        projection = Projection(PLAIN, self.lost)
        for original, text in SAMPLES.values():
            shown = projection.message(original, GROUP)
            expected = replace(original, kind=Kind.TEXT, content_type="", body=text.encode())
            self.assertEqual(shown, expected)
        self.assertEqual(self.lost, {("plain", kind.name): 1 for kind in Kind if kind != Kind.TEXT})

    def test_runs(self) -> None:
        """The bodies of a run are those of its messages."""
        for capabilities in (PLAIN, RICH, Capabilities("all")):
            projection = Projection(capabilities, self.lost)
            for original, _ in SAMPLES.values():
                run = Run.of(original)
                run.bodies = [original.body] * 2
                self.assertEqual(projection.bodies(run), [projection.message(original, GROUP).body] * 2)

    def test_withheld_runs(self) -> None:
        """Of a run that is withheld nothing is shown, not even that there is one."""
        run = Run.of(message(Kind.TOMBSTONE, b"", Gone.WITHHELD))
        self.assertEqual(list(Projection(PLAIN, self.lost).bodies(run)), [])
        self.assertEqual(self.lost, {})

    def test_on_rich_text(self) -> None:
        """A document stays as it is; anything else becomes one, and a text loses nothing by that."""
        projection = Projection(RICH, self.lost)
        for kind, (original, text) in SAMPLES.items():
            shown = projection.message(original, GROUP)
            self.assertEqual((shown.kind, rtf.to_text(shown.body)), (Kind.RICH, text))
            self.assertIs(shown is original, kind is Kind.RICH)
        documents = Kind.TEXT, Kind.RICH
        self.assertEqual(self.lost, {("rich", kind.name): 1 for kind in Kind if kind not in documents})

    def test_beside_the_body(self) -> None:
        """Where a wire shows bodies only, nobody passes for the author of what he forwards, and what burns is marked."""
        forwarded, burns = "(forwarded) ", "(burns 30 s after reading) "
        for extra, remark, lost in (
            (Extra(origin=100_002), forwarded, {"forwarded": 1}),
            (Extra(burn_seconds=30), burns, {"burning": 1}),
            (Extra(about=2, mentions=[100_002]), "", {"reply": 1, "mentions": 1}),
        ):
            for wire, kind in (("plain", Kind.TEXT), ("rich", Kind.RICH)):
                self.lost.clear()
                original, text = SAMPLES[kind]
                original = replace(original, extra=extra)
                projection = Projection(Capabilities(wire, kinds=frozenset([kind]), extras=False), self.lost)
                [body] = projection.bodies(Run.of(original))
                self.assertEqual(projection.message(original, GROUP).body, body)
                self.assertEqual(words(replace(original, body=body)), remark + text)
                looks = {(wire, kind.name): 2} if remark and kind is Kind.RICH else {}
                self.assertEqual(self.lost, {(wire, what): 2 for what in lost} | looks)

    def test_without_groups(self) -> None:
        """Where a wire knows no groups, *N says what its member says, and that is counted."""
        group = replace(GROUP, number=7)
        projection = Projection(replace(PLAIN, groups=False), self.lost)
        shown = projection.message(SAMPLES[Kind.TEXT][0], group)
        self.assertEqual((shown.sender_name, shown.body.decode()), ("*7", "alice: grüße"))
        self.assertEqual(self.lost, {("plain", "group"): 1})

    def test_edits_are_no_replies(self) -> None:
        """What an edit or a recall is about is in its words, as far as it can be."""
        projection = Projection(replace(PLAIN, extras=False), self.lost)
        for kind in (Kind.EDIT, Kind.RECALL):
            projection.message(replace(SAMPLES[kind][0], extra=Extra(about=2)), GROUP)
        self.assertEqual(self.lost, {("plain", "EDIT"): 1, ("plain", "RECALL"): 1})

    def test_on_everything(self) -> None:
        """A wire that shows all gets all, as it is."""
        projection = Projection(Capabilities("all"), self.lost)
        self.assertTrue(projection.changes_nothing)
        for original, _ in SAMPLES.values():
            self.assertIs(projection.message(original, GROUP), original)
        self.assertEqual(self.lost, {})

    def test_sizes(self) -> None:
        """Small things are counted in bytes, large ones in MiB."""
        for size, text in ((0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (3 << 19, "1.5 MiB")):
            self.assertEqual(words(message(Kind.OPAQUE, b"x" * size, "a/b")), f"[a/b, {text}]")

    @given(st.sampled_from(list(Kind)), st.binary(max_size=300))
    def test_any_body(self, kind: Kind, body: bytes) -> None:
        """Whatever lies in the log, its readers go on (T25)."""
        for capabilities in (PLAIN, RICH):
            shown = Projection(capabilities, Counter()).message(message(kind, body, "a/b"), GROUP)
            self.assertIn(shown.kind, capabilities.kinds)
        words(message(kind, body)).encode()

    def test_broken_notices(self) -> None:
        """JSON that is no notice has a sentence, too."""
        for body in (
            b"[]",
            b"{}",
            b'{"actor":"a","accounts":[1],"title":"","action":"left"}',
            b"\xff",
            b"[" * 60_000,
        ):
            self.assertEqual(words(message(Kind.NOTICE, body)), "[a notice that cannot be read]")


class EventTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lost: Counter[tuple[str, str]] = Counter()
        self.plain = Projection(PLAIN, self.lost)

    def test_news(self) -> None:
        """What a wire does not declare is left out and counted; the end of a connection is no news."""
        typing = TypingChanged(9, 100_001, True)
        for _ in range(3):
            self.assertIsNone(self.plain.event(typing))
        self.assertEqual(self.lost, {("plain", "TypingChanged"): 3})
        capabilities = replace(PLAIN, events=frozenset([TypingChanged]))
        self.assertIs(Projection(capabilities, self.lost).event(typing), typing)
        leaving = GoAway(1)
        self.assertIs(self.plain.event(leaving), leaving)

    def test_all_news_can_be_declared(self) -> None:
        """By default a wire shows all."""
        self.assertEqual(Capabilities("all").events, NEWS)

    def test_withheld(self) -> None:
        """What is withheld from its reader is shown only as the tombstone that it is, or not at all."""
        withheld = MessageArrived(message(Kind.TOMBSTONE, b"", Gone.WITHHELD), GROUP)
        self.assertIsNone(self.plain.event(withheld))
        self.assertIs(Projection(Capabilities("all"), self.lost).event(withheld), withheld)
        self.assertEqual(self.lost, {})

    def test_messages(self) -> None:
        """A message that arrives is projected; one that needs none is the same event."""
        shown = self.plain.event(MessageArrived(SAMPLES[Kind.RICH][0], GROUP))
        self.assertEqual(shown, MessageArrived(self.plain.message(SAMPLES[Kind.RICH][0], GROUP), GROUP))
        text = MessageArrived(SAMPLES[Kind.TEXT][0], GROUP)
        self.assertIs(self.plain.event(text), text)


class Repeating:
    """A codec that repeats what it is asked."""

    def decode(self, frame: bytes) -> tuple[int, bytes]:
        return 7, frame

    def encode(self, event: object, tag: int) -> bytes:
        return repr((event, tag)).encode()


class CodecTests(SynchronousTestCase):
    def test_through(self) -> None:
        """A codec is asked for nothing its wire cannot show, except for answers."""
        codec = ProjectingCodec(Repeating(), Projection(PLAIN, Counter()))
        typing = TypingChanged(9, 100_001, True)
        self.assertIsNone(codec.encode(typing, 0))
        self.assertEqual(codec.encode(typing, 5), repr((typing, 5)).encode())
        for event in (Done(), Refused("CODE", "text")):
            self.assertEqual(codec.encode(event, 0), repr((event, 0)).encode())
        self.assertIn(
            b"alice added bob, carol", codec.encode(MessageArrived(SAMPLES[Kind.NOTICE][0], GROUP), 0)
        )
        self.assertEqual(codec.decode(b"frame"), (7, b"frame"))
