"""The pages say what the code does."""

import re
import typing
from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import events, requests
from imserver.core.changes import Action
from imserver.core.errors import Code
from imserver.core.limits import Limits
from imserver.net.framing import Int32Framing
from imserver.operator.table import COMMANDS
from tests import native_page
from tests.architecture import ROOT
from tests.run import load

README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
DELIVERY = (ROOT / "docs" / "delivery.md").read_text("utf-8")
THREATS = (ROOT / "docs" / "threats.md").read_text("utf-8")
PROMISES = [f"P{n}" for n in range(1, 11)]


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

    def test_every_action_is_named(self) -> None:
        """The table of a group's notices is complete."""
        section = native_page.TEXT.split("| `action` | besides |")[1].split("\n\n")[0]
        cells = " ".join(row.split("|")[1] for row in section.splitlines() if row)
        named = set(re.findall(r"`(\w+)`", cells))
        self.assertEqual(named, set(Action) - {Action.REJECTED})

    def test_every_event_is_named(self) -> None:
        """The list of events is complete; MessageArrived is for wires that show one message at a time."""
        section = native_page.TEXT.split("## Every event")[1].split("##")[0]
        names = {kind.__name__ for kind in typing.get_args(events.Event)} - {"MessageArrived"}
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

    def test_every_heading_linked_exists(self) -> None:
        """No link leads to a section that is not there."""
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
            for link, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8")):
                target = page.parent / link if link else page
                self.assertIn(anchor, _anchors(target.read_text("utf-8")), f"{page.name}: {link}")

    def test_every_promise_has_tests(self) -> None:
        """The ten promises stand there, each with a command whose tests exist."""
        rows = _commands()
        self.assertEqual(list(rows), PROMISES)
        for promise, names in rows.items():
            for name in names:
                _assert_has_tests(self, name, promise)


def _anchors(page: str) -> set[str]:
    """Those of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands() -> dict[str, list[str]]:
    """Promise -> the modules of its command in the README."""
    rows = re.findall(r"^\| (P\d+) \|.*`make test TESTS='?([\w. ]+)'?` \|$", README, re.MULTILINE)
    return {promise: names.split() for promise, names in rows}


def _assert_has_tests(case: SynchronousTestCase, name: str, who: str) -> None:
    """The module can be imported and has tests; `who` names it."""
    suite = load([name])
    case.assertGreater(suite.countTestCases(), 0, f"{who}: {name}")
    case.assertNotIn("ErrorHolder", repr(list(suite)), f"{who}: {name}")


def _shown_by(page: str, kind: str) -> dict[str, list[str]]:
    """Number -> the modules in the last cell of its row."""
    rows = re.findall(rf"^\| ({kind}\d+) \|.*\| ([^|]*) \|$", page, re.MULTILINE)
    return {number: re.findall(r"`(tests[\w.]+)`", cell) for number, cell in rows}


def _written(value: float) -> str:
    """A limit's default as the pages write it: 10,000 and 0.25 and true."""
    return str(value).lower() if isinstance(value, bool) else f"{value:,}".removesuffix(".0")


def _referred_to(pattern: str) -> dict[str, str]:
    """What the sources refer to by the pattern's group -> a file that does."""
    found = {}
    for folder in ("imserver", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for number in re.findall(pattern, path.read_text("utf-8")):
                found[number] = path.relative_to(ROOT).as_posix()
    return found


class DeliveryPageTest(SynchronousTestCase):
    """docs/delivery.md"""

    def test_promises(self) -> None:
        """The README's ten, each shown at least by what the README's command runs."""
        shown, commands = _shown_by(DELIVERY, "P"), _commands()
        self.assertEqual(list(shown), PROMISES)
        for promise, names in shown.items():
            self.assertEqual(set(commands[promise]) - set(names), set(), promise)

    def test_limits(self) -> None:
        """Every limit has one row, in the order of the configuration, with its default."""
        rows = re.findall(r"^\| `(\w+)` \| ([\w,.]+) \|", DELIVERY, re.MULTILINE)
        self.assertEqual(rows, [(each.name, _written(each.default)) for each in fields(Limits)])

    def test_sections(self) -> None:
        """What the sources refer to is there."""
        sections = re.findall(r"^## (\d+)\. ", DELIVERY, re.MULTILINE)
        self.assertEqual(sections, [str(n) for n in range(1, 9)])
        referred = _referred_to(r"delivery\.md section (\d+)")
        self.assertGreater(len(referred), 2)
        self.assertEqual(referred.keys() - set(sections), set())


class ThreatsPageTest(SynchronousTestCase):
    """docs/threats.md"""

    def test_numbers(self) -> None:
        """Each number once and in order, with the tests that show it."""
        rows = [int(number) for number in re.findall(r"^\| T(\d+) \|", THREATS, re.MULTILINE)]
        self.assertGreater(len(rows), 20)
        self.assertEqual(rows, sorted(set(rows)))
        self.assertEqual(
            [f"T{n}" for n in rows], [each for each, names in _shown_by(THREATS, "T").items() if names]
        )

    def test_references(self) -> None:
        """What the sources refer to is there."""
        referred = _referred_to(r"\b(T\d+)\b")
        self.assertGreater(len(referred), 20)
        rows = _shown_by(THREATS, "T")
        self.assertEqual({each: path for each, path in referred.items() if each not in rows}, {})


class OperationsPageTest(SynchronousTestCase):
    """docs/operations.md"""

    def test_every_command(self) -> None:
        """Each of the operator's commands stands in the table, with its usage."""
        page = (ROOT / "docs" / "operations.md").read_text("utf-8")
        rows = "\n".join(re.findall(r"^\| (`.*) \|", page.split("## The operator's day")[1], re.MULTILINE))
        missing = [
            command.name
            for command in COMMANDS.values()
            if f"`{command.name} {command.usage.replace('[AFTER]', '')}".rstrip() + "`" not in rows
        ]
        self.assertEqual(missing, ["statistics"])  # in the example above the table


class BothPagesTest(SynchronousTestCase):
    """docs/delivery.md and docs/threats.md"""

    def test_modules(self) -> None:
        """Every test module that they name exists and has tests."""
        names = set(re.findall(r"`(tests\.[\w.]+)`", DELIVERY + THREATS))
        self.assertGreater(len(names), 30)
        for name in sorted(names):
            _assert_has_tests(self, name, "docs")

    def test_defaults(self) -> None:
        """A limit that stands there with a value has that value."""
        named = re.findall(r"`(\w+)` = ([\d,.]*\d)", DELIVERY + THREATS)
        self.assertGreater(len(named), 30)
        for key, value in named:
            self.assertEqual(value, _written(getattr(Limits(), key)), key)
