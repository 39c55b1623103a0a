"""The whole package keeps the rules of the house, and each rule catches what it is there for."""

from collections.abc import Callable, Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests import architecture
from tests.architecture import Source

Rule = Callable[[Source], Iterator[str]]

# What may be longer than the rule says: the beginning of the complaint, and why it is better so.
LONGER = {
    "imserver/core/core.py: __init__": "the parts of the core, one a line",
}


def _complaints(rule: Rule) -> list[str]:
    return [complaint for source in architecture.sources() for complaint in rule(source)]


def _caught(rule: Rule, path: str, *texts: str) -> list[bool]:
    return [bool(list(rule(Source(path, text)))) for text in texts]


class HouseTest(SynchronousTestCase):
    """Every file of imserver/ against every rule."""

    def test_there_are_sources(self) -> None:
        """The rules are applied to the real files."""
        self.assertIn("imserver/core/requests.py", [source.path for source in architecture.sources()])

    def test_layers(self) -> None:
        """Who may import whom."""
        self.assertEqual(_complaints(architecture.keeps_its_layer), [])

    def test_nothing_forbidden(self) -> None:
        """No pickle, XML, archives, pictures, resolver, predictable randomness, eval."""
        self.assertEqual(_complaints(architecture.imports_nothing_forbidden), [])

    def test_reactor(self) -> None:
        """Clock and reactor are arguments, except where the parts meet."""
        self.assertEqual(_complaints(architecture.gets_the_reactor_as_an_argument), [])

    def test_short(self) -> None:
        """Files of at most 300 lines, functions of at most 25, but for those in LONGER, all of which are."""
        complaints = _complaints(architecture.is_short)
        excused = [each for each in complaints if each.startswith(tuple(LONGER))]
        self.assertEqual([each for each in complaints if each not in excused], [])
        self.assertEqual(len(excused), len(LONGER), "LONGER excuses what is not long any more")

    def test_sql(self) -> None:
        """No SQL statement is put together from parts (T28)."""
        self.assertEqual(_complaints(architecture.passes_values_to_sql), [])

    def test_log_formats(self) -> None:
        """No text of a user gets into a log format (T29)."""
        self.assertEqual(_complaints(architecture.logs_literal_formats), [])

    def test_names(self) -> None:
        """No module is called utils, helpers, common, misc, manager or base."""
        self.assertEqual(_complaints(architecture.has_a_name_of_its_own), [])

    def test_docstrings(self) -> None:
        """Every module says what lives in it."""
        self.assertEqual(_complaints(architecture.has_a_docstring), [])


class RulesTest(SynchronousTestCase):
    """Each rule against small bad sources, and against good ones that look like them."""

    def assert_catches(self, rule: Rule, path: str, *, bad: tuple[str, ...], good: tuple[str, ...]) -> None:
        self.assertEqual(_caught(rule, path, *bad), [True] * len(bad), bad)
        self.assertEqual(_caught(rule, path, *good), [False] * len(good), good)

    def test_core_stands_alone(self) -> None:
        """The core imports the standard library and itself; the seams for types only."""
        self.assert_catches(
            architecture.keeps_its_layer,
            "imserver/core/session.py",
            bad=(
                "from twisted.internet import defer",
                "import apsw",
                "from imserver.store import sqlite",
                "from imserver.interfaces import IClient\n@implementer(IClient)\nclass Quiet: pass",
                "def late():\n    from imserver.net import connection",
                "from ..net import connection",
            ),
            good=(
                "import json\nfrom imserver.core.values import Kind\nfrom imserver import crash",
                "from imserver.interfaces import IClient\ndef send(client: IClient) -> IClient: pass",
            ),
        )

    def test_wires_stand_side_by_side(self) -> None:
        """A wire knows neither store nor daemon nor another wire."""
        self.assert_catches(
            architecture.keeps_its_layer,
            "imserver/wires/native.py",
            bad=(
                "from imserver.store.sqlite import SqliteStore",
                "from imserver import tap",
                "from imserver.wires import status",
                "import apsw",
            ),
            good=(
                "from imserver.net import connection",
                "from imserver.codecs.protobuf import ProtobufCodec",
            ),
        )

    def test_stores_see_values_only(self) -> None:
        """A store knows what it stores, not what is done with it."""
        self.assert_catches(
            architecture.keeps_its_layer,
            "imserver/store/sqlite.py",
            bad=("from imserver.core.session import Session", "from imserver.core import router"),
            good=("from imserver.core.posting import Posting", "import apsw"),
        )

    def test_a_new_layer_is_declared(self) -> None:
        """A module of no known layer is caught."""
        self.assert_catches(
            architecture.keeps_its_layer, "imserver/plumbing.py", bad=("import json",), good=()
        )

    def test_forbidden(self) -> None:
        """In whatever form it is imported or called."""
        self.assert_catches(
            architecture.imports_nothing_forbidden,
            "imserver/core/session.py",
            bad=(
                "import pickle",
                "from xml.etree import ElementTree",
                "from PIL import Image",
                "import random",
                "from twisted.names import client",
                "from twisted.python import log",
                "eval(text)",
            ),
            good=("import secrets", "re.compile(text)", "connection.exec(text)"),
        )

    def test_jitter(self) -> None:
        """The client may use plain randomness for its jitter."""
        self.assert_catches(
            architecture.imports_nothing_forbidden,
            "imserver/client/backoff.py",
            bad=("import pickle",),
            good=("import random",),
        )

    def test_reactor(self) -> None:
        """Also when it is imported late."""
        self.assert_catches(
            architecture.gets_the_reactor_as_an_argument,
            "imserver/net/listeners.py",
            bad=(
                "from twisted.internet import reactor",
                "import twisted.internet.reactor",
                "def late():\n    from twisted.internet import reactor as r",
            ),
            good=("from twisted.internet import defer", "def listen(reactor): pass"),
        )
        self.assert_catches(
            architecture.gets_the_reactor_as_an_argument,
            "imserver/tap.py",
            bad=(),
            good=("from twisted.internet import reactor",),
        )

    def test_short(self) -> None:
        """Lines are counted without the docstring."""
        head = 'def f():\n    """One.\n\n    Two.\n    """\n'
        self.assert_catches(
            architecture.is_short,
            "imserver/core/session.py",
            bad=("\n" * 301, head + "    x = 1\n" * 26, "async " + head + "    x = 1\n" * 26),
            good=("\n" * 300, head + "    x = 1\n" * 25),
        )

    def test_sql(self) -> None:
        """Neither in place nor through a variable."""
        self.assert_catches(
            architecture.passes_values_to_sql,
            "imserver/store/sqlite.py",
            bad=(
                'c.execute(f"SELECT {column} FROM t")',
                'c.execute("SELECT * FROM t WHERE a = %s" % a)',
                'c.executemany("SELECT * FROM " + table, rows)',
                'c.execute("SELECT {}".format(a))',
                'sql = f"SELECT {a}"\nc.execute(sql)',
            ),
            good=('c.execute("SELECT ?", (a,))', 'SQL = "SELECT ?"\nc.executemany(SQL, rows)', "c.execute()"),
        )

    def test_log_formats(self) -> None:
        """Neither composed nor handed on."""
        self.assert_catches(
            architecture.logs_literal_formats,
            "imserver/net/connection.py",
            bad=(
                'self._log.info(f"hello {name}")',
                'self._log.warn("hello " + name)',
                "_log.debug(text)",
                'self._log.emit(level, "a %s" % b)',
            ),
            good=('self._log.info("hello {name}", name=name)', "math.log(x)", "self._log.failure('oh')"),
        )

    def test_names(self) -> None:
        """Neither as a module nor as a package."""
        self.assertEqual(_caught(architecture.has_a_name_of_its_own, "imserver/core/utils.py", ""), [True])
        self.assertEqual(_caught(architecture.has_a_name_of_its_own, "imserver/common/x.py", ""), [True])
        self.assertEqual(_caught(architecture.has_a_name_of_its_own, "imserver/core/values.py", ""), [False])

    def test_docstrings(self) -> None:
        """A comment is not one; an empty package needs none."""
        self.assert_catches(
            architecture.has_a_docstring,
            "imserver/core/session.py",
            bad=("x = 1", "# what this is\nx = 1"),
            good=('"""What this is."""\nx = 1', ""),
        )
