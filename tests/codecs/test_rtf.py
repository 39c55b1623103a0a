"""imserver.codecs.rtf"""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.rtf import MAX_DEPTH, from_text, to_text
from tests.costs import LINEAR, growth

# As a RichTextBox writes them: in China, in Japan, in Western Europe.
CHINESE = (
    rb"{\rtf1\ansi\ansicpg936\deff0\deflang1033\deflangfe2052{\fonttbl{\f0\fnil\fcharset134 \'cb\'ce\'cc\'e5;}}"
    b"\r\n" + rb"{\colortbl ;\red255\green0\blue0;}" + b"\r\n"
    rb"\viewkind4\uc1\pard\cf1\lang2052\f0\fs18 \'c4\'e3\'ba\'c3\cf0\b , world\b0\par" + b"\r\n"
    rb"\'d4\'d9\'bc\'fb\par" + b"\r\n}\r\n\0"
)
JAPANESE = (
    rb"{\rtf1\ansi\ansicpg932\deff0{\fonttbl{\f0\fnil\fcharset128 MS;}}\pard\f0 \'83e\'83X\'83g\'81\'40a\par}"
)
MIXED = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset0 Arial;}{\f1\fnil\fcharset204 Arial;}}"
    rb"\pard\f0 caf\'e9 \f1\'ec\'e8\'f0 \f0\'fc{\f1\'ec}\'e9\plain\'e9\par}"
)


_TOKENS = [
    *("{", "}", "a", "é", "漢", "?", "\\\\", r"\*", r"\~", r"\-", r"\par", r"\plain", r"\pict", r"\fonttbl"),
    *(r"\'", r"\'8", r"\'81", r"\'e9", r"\f0", r"\f1", r"\fcharset128", r"\ansicpg932", r"\ansicpg936"),
    *(r"\ansicpg99", r"\u", r"\u-10179", r"\u-8638", r"\u65", r"\uc0", r"\uc2", r"\bin3"),
]


class ToTextTests(SynchronousTestCase):
    """to_text"""

    def assert_text(self, body: bytes, text: str) -> None:
        self.assertEqual(to_text(rb"{\rtf1\ansi " + body + b"}"), text)

    def test_documents(self) -> None:
        """What rich text boxes write is read, in the code page of each font."""
        self.assertEqual(to_text(CHINESE), "你好, world\n再见")
        self.assertEqual(to_text(JAPANESE), "テスト\u3000a")
        self.assertEqual(to_text(MIXED), "café мир üмéé")

    def test_every_code_page(self) -> None:
        """Each character set of a font stands for its code page."""
        for charset, data, text in (
            *((129, b"\xb0\xa1", "가"), (136, b"\xa7A", "你"), (161, b"\xe2", "β"), (162, b"\xfe", "ş")),
            *((163, b"\xfd", "ư"), (177, b"\xe0", "א"), (178, b"\xc8", "ب"), (186, b"\xe0", "ą")),
            *((222, b"\xa1", "ก"), (238, b"\xb9", "ą"), (255, b"\x82", "é"), (77, b"\x8e", "é")),
            *((130, b"\x88a", "가"), (99, b"\xe9", "é")),
        ):
            escaped = "".join(f"\\'{byte:02x}" for byte in data).encode()
            body = rb"{\fonttbl{\f7\fcharset%d x;}}\f7 %b" % (charset, escaped)
            self.assert_text(body, text)

    def test_unicode(self) -> None:
        """\\uN counts as a signed or unsigned 16-bit number, and hides its substitute, of any form and length."""
        self.assert_text(rb"\u28450?\u-25919?", "漢髁")
        self.assert_text(rb"\u-10179?\u-8638?", "🙂")
        self.assert_text(rb"\uc2\u28450\'ba\'ba.{\uc0\u28450.}\u28450ab.", "漢.漢.漢.")
        self.assert_text(rb"\u28450\par.\u28450\~.\u28450{x}", "漢.漢.漢x")
        self.assert_text(rb"\uc3\u28450a\bin2 {{b.", "漢.")

    def test_half_characters(self) -> None:
        """What has no meaning shows as U+FFFD, so that the text can always be written in UTF-8."""
        self.assert_text(rb"\u-10179?x", "\ufffdx")
        self.assert_text(rb"\u-8638?", "\ufffd")
        self.assert_text(rb"\ansicpg936\'c4", "\ufffd")
        self.assertEqual(to_text(b"a\xff"), "a\ufffd")

    def test_breaks_and_signs(self) -> None:
        """Breaks, tabs, spaces, dashes and quotes have their characters."""
        self.assert_text(rb"a\line b\par c\tab d\cell e\row f", "a\nb\nc\td\te\nf")
        self.assert_text(
            rb"\'61\~b\_c\-d\emdash\endash\bullet\lquote x\rquote",
            "a\u00a0b\u2011cd\u2014\u2013\u2022\u2018x\u2019",
        )
        self.assert_text(b"a\\\nb\\\rc", "a\nb\nc")
        self.assert_text(rb"\{\}\\", "{}\\")

    def test_last_paragraph(self) -> None:
        """One mark at the end ends the last paragraph; further ones are empty paragraphs."""
        self.assert_text(rb"a\par", "a")
        self.assert_text(rb"a\par\par", "a\n")

    def test_not_text(self) -> None:
        """Tables, pictures, objects, field codes and whatever is optional are skipped with all they hold."""
        for body in (
            rb"{\fonttbl{\f0 Arial;}}",
            rb"{\colortbl;\red1\green2\blue3;}",
            rb"{\stylesheet{\s0 Normal;}}",
            rb"{\info{\title secret}{\author {me}}}",
            rb"{\pict\wmetafile8 0100\'41}",
            rb"{\*\generator Msftedit 5.41;}",
            rb"{\*\unknown {deeper \par \u65?\'41 {still}}}",
            rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt }}",
            rb"{\object{\*\objdata 01}}",
            rb"\bin5 }}{{" b"\\",
        ):
            self.assert_text(b"a" + body + b"b", "ab")

    def test_field_result(self) -> None:
        """Of a link its text is shown."""
        self.assert_text(rb'{\field{\*\fldinst{HYPERLINK "http://a"}}{\fldrslt{\ul here}}}', "here")

    def test_depth(self) -> None:
        """Groups nested too deeply are skipped, and what follows them is read."""
        deep = MAX_DEPTH + 10
        self.assertEqual(to_text(b"a" + b"{" * deep + rb"lost\par\u65?\'41\~" + b"}" * deep + b"b"), "ab")

    def test_rubbish(self) -> None:
        """What is no document shows as it can be read."""
        self.assertEqual(to_text(b"hi"), "hi")
        self.assertEqual(to_text(b"}}a}\\"), "a")
        self.assertEqual(to_text(b"{\\rtf1 a"), "a")
        self.assertEqual(to_text(b"\\'4"), "4")
        self.assertEqual(to_text(b""), "")

    def test_no_nul(self) -> None:
        """U+0000 is in no text, however it is written."""
        self.assertEqual(to_text(rb"a\u0?\'00" + b"\0b"), "ab")

    @given(st.binary(max_size=300))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes give a text that can be sent on."""
        self.assertNotIn(b"\0", to_text(data).encode())

    @given(st.lists(st.sampled_from(_TOKENS)))
    def test_any_tokens(self, tokens: list[str]) -> None:
        """Any sequence of what documents are made of does, too."""
        self.assertNotIn(b"\0", to_text("".join(tokens).encode()).encode())

    def test_linear(self) -> None:
        """The worst costs what it weighs; in quadratic time a megabyte of it would take hours."""
        for worst in (
            b"{",
            b"}",
            b"\\",
            b"\\'81",
            b"\\u-10179?",
            b"\\a",
            b"\\uc9\\u1",
            b"a\\f1\\'81",
            b"{\\*",
        ):
            cost = growth(lambda size, worst=worst: to_text(worst * (size // len(worst))), 80_000)
            self.assertLess(cost, LINEAR, worst)


class FromTextTests(SynchronousTestCase):
    """from_text"""

    def test_document(self) -> None:
        """Everything but printable ASCII is escaped, line ends are paragraphs."""
        self.assertEqual(
            from_text("a{b}\\\n\té🙂"), rb"{\rtf1\ansi\uc1 a\{b\}\\\par \tab \u233?\u-10179?\u-8638?\par}"
        )

    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
    def test_round_trip(self, text: str) -> None:
        """What was wrapped comes out unchanged, but for CR LF and CR, which are LF."""
        self.assertEqual(to_text(from_text(text)), text.replace("\r\n", "\n").replace("\r", "\n"))

    @given(st.text(st.sampled_from("\r\n\t\\{}' 1a-?*u漢🙂\x01\x7f\x85\u2028"), max_size=40))
    def test_round_trip_of_what_means_something(self, text: str) -> None:
        """Also for texts made of what means something in a document."""
        self.assertEqual(to_text(from_text(text)), text.replace("\r\n", "\n").replace("\r", "\n"))

    def test_any_string(self) -> None:
        """It raises for no string at all."""
        self.assertEqual(to_text(from_text("a\ud800\0b")), "a\ufffdb")
