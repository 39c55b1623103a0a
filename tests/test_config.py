"""imserver.config"""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.config import Config, ConfigError, Listener, load, own_options, parse
from imserver.core.limits import Limits
from imserver.dialogues.gogotalk.options import Options

SAMPLE = Path(__file__).parent.parent / "etc" / "imserver.toml"

STRICT = """\
data = "here"

[[listeners]]
wire = "native"
endpoint = "tcp:0.0.0.0:8890"
tls = "office"
proxy_from = ["10.0.0.0/8"]
allow_plain = false

[tls.office]
cert = "office.crt"
key = "office.key"

[registration]
open = false

[log]
level = "warn"
format = "json"
"""


class ParseTests(SynchronousTestCase):
    """What a file means."""

    def test_empty(self) -> None:
        """Nothing needs to be configured."""
        self.assertEqual(parse("", "f"), Config())

    def test_everything(self) -> None:
        """Every key is read into its place."""
        config = parse(STRICT, "f")
        self.assertEqual(config.listeners[0].tls, "office")
        self.assertEqual(str(config.listeners[0].proxy_from[0]), "10.0.0.0/8")
        self.assertEqual(config.tls["office"].key, "office.key")
        self.assertIs(config.registration.open, False)

    def test_whole_number_for_a_time(self) -> None:
        """A time or rate may be written without decimals."""
        self.assertEqual(parse("[limits]\nlogin_seconds = 20", "f").limits.login_seconds, 20.0)

    def test_missing_file(self) -> None:
        """A file that cannot be read is a fault that names it."""
        fault = self.assertRaises(ConfigError, load, Path("/nonexistent/imserver.toml"))
        self.assertIn("/nonexistent/imserver.toml", str(fault))


class FaultTests(SynchronousTestCase):
    """A fault is one sentence with file, line and key."""

    def assert_fault(self, text: str, expected: str) -> None:
        fault = str(self.assertRaises(ConfigError, parse, text, "f.toml"))
        self.assertTrue(re.search(expected, fault), fault)
        self.assertNotIn("\n", fault)

    def test_faults(self) -> None:
        """Each kind of fault, the place it is found at, and what is said about it."""
        for text, expected in (
            ("\nfoo = 1", r"f\.toml, line 2: foo: unknown key foo; known here: data, listeners"),
            ("[limits]\n\nmax_devcies = 5", r"line 3: limits\.max_devcies: .*did you mean max_devices\?"),
            ('[limits]\nmax_devices = "5"', r"line 2: limits\.max_devices: must be a whole number"),
            ("[limits]\nmax_devices = true", r"line 2: limits\.max_devices: must be a whole number"),
            ("[limits]\nmax_devices = 0", r"line 2: limits\.max_devices: must be above zero"),
            ("[limits]\nlogin_seconds = nan", r"line 2: limits\.login_seconds: must be above zero"),
            ("[limits]\nlogin_seconds = inf", r"line 2: limits\.login_seconds: must be above zero"),
            ("[limits]\nenabled = 0", r"line 2: limits\.enabled: must be true or false"),
            ("[limits]\nmax_title_chars = 257", r"line 2: limits\.max_title_chars: must not be above 256"),
            ("[limits]\nxyz = 5", r"line 2: limits\.xyz: unknown key xyz; etc/imserver\.toml has them all"),
            ("[limits]\nping_seconds = 80", r"line 2: limits\.ping_seconds: must not be above dead_seconds"),
            ("limits = 3", r"line 1: limits: must be a table"),
            ("listeners = 3", r"line 1: listeners: must be a list of tables"),
            ('[[listeners]]\nendpoint = "x"', r"line 1: listeners\[0\]\.wire: is missing"),
            ('[[listeners]]\nwire = ""', r"line 2: listeners\[0\]\.wire: must name a wire"),
            (
                '[[listeners]]\nwire = "n"\n[[listeners]]\nwire = "n"\ntls = "no"',
                r"line 5: listeners\[1\]\.tls: there is no table \[tls\.no\]",
            ),
            ('[[listeners]]\nwire = "n"\nproxy_from = "10.0.0.0/8"', r"line 3: .*must be a list of networks"),
            ('[[listeners]]\nwire = "n"\nproxy_from = ["10.0.0.1/8"]', r"line 3: .*host bits"),
            ('[[listeners]]\nwire = "n"\nallow_plain = "no"', r"line 3: .*must be true or false"),
            ('[tls.a]\ncert = ""\nkey = "k"', r"line 2: tls\.a\.cert: must name a PEM file"),
            ('[tls.a]\ncert = "c"', r"line 1: tls\.a\.key: is missing"),
            (
                '[registration]\nopen = "yes"',
                r'line 2: registration\.open: must be one of true, false, "auto"',
            ),
            ("[registration]\nopen = 1", r"line 2: registration\.open: must be one of"),
            ('[log]\nlevel = "loud"', r"line 2: log\.level: must be one of"),
            ("a = ", r"f\.toml: not TOML: "),
        ):
            self.assert_fault(text, expected)

    def test_ceilings(self) -> None:
        """T27: no length can be configured that a column of the database does not hold."""
        for name in (each.name for each in fields(Limits)):
            if name.endswith("_chars") and name != "max_presence_text_chars":  # which is not stored
                self.assert_fault(f"[limits]\n{name} = 2049", rf"limits\.{name}: must not be above")

    def test_options_of_a_wire(self) -> None:
        """A wire's listeners take its options, with its types, and no other wire's do."""
        text = '[[listeners]]\nwire = "gogotalk"\nstock_windows = true\n[[listeners]]\nwire = "native"\n'
        first, second = parse(text, "f", {"gogotalk": Options, "native": None}).listeners
        self.assertEqual(own_options(first, Options), Options(stock_windows=True))
        self.assertEqual(own_options(Listener("gogotalk"), Options), Options())
        self.assertEqual(own_options(second, None), None)
        for line, expected in (
            ('packing = "big"', r'f, line 3: listeners\[0\]\.packing: must be one of "auto", "ltv", "tlv"'),
            ("stock_windows = 1", r"f, line 3: listeners\[0\]\.stock_windows: must be true or false"),
            ("stock_window = true", r"f, line 3: .* unknown key stock_window; did you mean stock_windows"),
            ("endpoint = 5", r"f, line 3: listeners\[0\]\.endpoint: must be a string"),
        ):
            bad = f'[[listeners]]\nwire = "gogotalk"\n{line}'
            fault = self.assertRaises(ConfigError, parse, bad, "f", {"gogotalk": Options})
            self.assertRegex(str(fault), expected)
            if line != "endpoint = 5":
                fault = self.assertRaises(
                    ConfigError, parse, bad.replace("gogotalk", "native"), "f", {"gogotalk": Options}
                )
                self.assertIn("unknown key", str(fault))

    def test_mutated(self) -> None:
        """T39: a misspelt key, another type, zero or a negative number never starts with a weaker policy."""
        refused = 0
        for key in (each.name for each in fields(Limits)):
            for line in (f"{key}_ = 1", f'{key} = "1"', f"{key} = []", f"{key} = 0", f"{key} = -1"):
                self.assertRaises(ConfigError, parse, f"[limits]\n{line}", "f")
                refused += 1
        for old, new in (
            ("tls = ", "tsl = "),
            ("[tls.office]", "[tls.offcie]"),
            ("[tls.office]", "[tsl.office]"),
            ('"10.0.0.0/8"', '"10.0.0.0/99"'),
            ('"10.0.0.0/8"', '"any"'),
            ("allow_plain = false", 'allow_plain = "false"'),
            ("open = false", 'open = "false"'),
            ("open = false", "opne = false"),
            ("[registration]", "[registrations]"),
            ('cert = "office.crt"', 'cert = ""'),
            ('key = "office.key"', 'key = ""'),
            ('key = "office.key"', ""),
            ('"office"', '"offcie"'),
            ("[[listeners]]", "[listeners]"),
        ):
            self.assertIn(old, STRICT)
            self.assertRaises(ConfigError, parse, STRICT.replace(old, new, 1), "f")
            refused += 1
        self.assertGreater(refused, 100)

    @given(st.binary(max_size=40), st.integers(0, len(STRICT)), st.integers(0, 20))
    def test_any_damage(self, inserted: bytes, at: int, removed: int) -> None:
        """Whatever happens to a file, it gives a configuration or a ConfigError."""
        text = STRICT[:at] + inserted.decode("latin-1") + STRICT[at + removed :]
        try:
            self.assertIsInstance(parse(text, "f"), Config)
        except ConfigError as fault:
            self.assertTrue(str(fault).startswith("f"))


class SampleTests(SynchronousTestCase):
    """etc/imserver.toml"""

    def test_defaults(self) -> None:
        """The sample says what holds without it."""
        self.assertEqual(load(SAMPLE), Config())

    def test_complete(self) -> None:
        """Every limit, registration and log key is written out."""
        table = tomllib.loads(SAMPLE.read_text())
        self.assertEqual(list(table["limits"]), [each.name for each in fields(Limits)])
        for part in ("registration", "log"):
            of_part = next(each for each in fields(Config) if each.name == part)
            self.assertEqual(set(table[part]), {each.name for each in fields(of_part.type)})

    def test_commented_tables(self) -> None:
        """What is shown in comments, with nothing but the comment signs removed, is right and complete, too."""
        lines = [line[2:] for line in SAMPLE.read_text().splitlines() if line.startswith("# ")]
        shown = "\n".join(line for line in lines if re.match(r"\[|\w+ = ", line))
        config = parse(shown, "comments", {"gogotalk": Options})
        self.assertEqual(own_options(config.listeners[-2], Options), Options())
        special = shown[: shown.rindex("[[listeners]]")]
        self.assertEqual(re.findall(r"^(\w+) =", special, re.M)[-2:], [each.name for each in fields(Options)])
        self.assertEqual(config.listeners[-1], Listener("native"))
        last = shown[shown.rindex("[[listeners]]") : shown.index("[tls")]
        self.assertEqual(re.findall(r"^(\w+) =", last, re.M), [each.name for each in fields(Listener)])
        self.assertEqual(list(config.tls), ["office"])
