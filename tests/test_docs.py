"""The pages say what the code does."""

import re
import typing

from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import events, requests
from imserver.core.errors import Code
from imserver.net.framing import Int32Framing
from tests import native_page
from tests.architecture import ROOT
from tests.run import load

README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


class NativePageTest(SynchronousTestCase):
    def test_the_example_is_what_the_codec_writes(self) -> None:
        """Each frame of the example is byte by byte what the codec and the framing make of it."""
        codec, framing = ProtobufCodec(), Int32Framing(1 << 18)
        steps = native_page.steps()
        self.assertGreater(len(steps), 15)
        for step in steps:
            encode = codec.encode_request if step.to_server else codec.encode
            self.assertEqual(framing.pack(encode(step.value, step.tag)).hex(" "), step.frame.hex(" "), step)

    def test_the_example_can_be_read(self) -> None:
        """Each frame of the example is read as the value that stands above it."""
        codec = ProtobufCodec()
        for step in native_page.steps():
            decode = codec.decode if step.to_server else codec.decode_event
            self.assertEqual(decode(step.frame[4:]), (step.tag, step.value))

    def test_every_code_is_explained(self) -> None:
        """Each code has one row that says what to do."""
        rows = re.findall(r"^\| `([A-Z_]+)` \|", native_page.TEXT, re.MULTILINE)
        self.assertEqual(sorted(rows), sorted(Code))

    def test_every_request_has_its_answer(self) -> None:
        """The table names each request with the answer that its docstring promises."""
        section = native_page.TEXT.split("## Every request")[1].split("##")[0]
        table = dict(re.findall(r"\| `(\w+)` \| `?(\w+)", section))
        promised = {kind.__name__: _answer(kind) for kind in typing.get_args(requests.Request)}
        self.assertEqual(table, promised)

    def test_every_event_is_named(self) -> None:
        """The list of events is complete."""
        section = native_page.TEXT.split("## Every event")[1].split("##")[0]
        names = {kind.__name__ for kind in typing.get_args(events.Event)}
        self.assertEqual(set(re.findall(r"`(\w+)`", section)), names)


def _answer(kind: type) -> str:
    answer = re.match(r"-> (no answer|\w+)", kind.__doc__ or "")
    return "?" if answer is None else answer[1].replace("no answer", "none")


class ReadmeTest(SynchronousTestCase):
    def test_every_make_target_exists(self) -> None:
        """What the pages tell people to call can be called."""
        called = set(re.findall(r"(?:`|^)make ([a-z]+)", README + CONTRIBUTING, re.MULTILINE))
        self.assertIn("run", called)
        self.assertEqual(called - set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)), set())

    def test_every_file_linked_exists(self) -> None:
        """No link of a page leads nowhere."""
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")

    def test_every_promise_has_tests(self) -> None:
        """The ten promises stand there, each with a command whose tests exist."""
        rows = re.findall(r"^\| (P\d+) \|.*`make test TESTS='?([\w. ]+)'?` \|$", README, re.MULTILINE)
        self.assertEqual([promise for promise, _ in rows], [f"P{n}" for n in range(1, 11)])
        for promise, names in rows:
            for name in names.split():
                suite = load([name])
                self.assertGreater(suite.countTestCases(), 0, f"{promise}: {name}")
                self.assertNotIn("ErrorHolder", repr(list(suite)), f"{promise}: {name}")
