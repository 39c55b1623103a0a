"""imserver.operator.command: usage, numbers, pages."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import ChatError
from imserver.operator.command import PAGE, Answer, Arguments, Command, page


async def _nothing(core: object, arguments: Arguments) -> Answer:
    return Answer([])


class CommandTests(SynchronousTestCase):
    def accepts(self, usage: str, *words: str) -> bool:
        try:
            Command("do", usage, "", _nothing).check(words)
        except ChatError as error:
            self.assertEqual((error.code, error.text), ("BAD_REQUEST", f"usage: do {usage}".rstrip()))
            return False
        return True

    def test_usage(self) -> None:
        """As many words as the usage has; those in brackets may be left out; a text is one."""
        counts = {
            usage: [n for n in range(5) if self.accepts(usage, *("x",) * n)]
            for usage in ("", "NAME", "[AFTER]", "NAME [DEVICE]", "[DAYS] [USES]", "TEXT...")
        }
        self.assertEqual(
            counts,
            {
                "": [0],
                "NAME": [1],
                "[AFTER]": [0, 1],
                "NAME [DEVICE]": [1, 2],
                "[DAYS] [USES]": [0, 1, 2],
                "TEXT...": [1],
            },
        )

    def test_whom(self) -> None:
        """The names and ids it acts on, and never a text."""
        for usage, whom in (
            ("NAME [DEVICE]", "alice phone"),
            ("ID NAME SECONDS", "alice phone"),
            ("ID", "alice"),
            ("TEXT...", ""),
            ("[AFTER]", ""),
        ):
            self.assertEqual(Command("do", usage, "", _nothing).whom(["alice", "phone"]), whom)
        self.assertEqual(Command("do", "NAME [DEVICE]", "", _nothing).whom(["alice"]), "alice")

    def test_numbers(self) -> None:
        """A number, its default where it is left out, and BAD_REQUEST for anything else."""
        self.assertEqual(Arguments(["7"]).number(0, 1, "N"), 7)
        self.assertEqual(Arguments(["7"]).number(1, 1, "N"), 1)
        for word in ("-1", "x", "", "1.5", "\u0661", "9" * 19):
            self.assertRaises(ChatError, Arguments([word]).number, 0, 1, "N")

    def test_pages(self) -> None:
        """A full page says how to go on."""
        self.assertEqual(page(["x"] * PAGE, "things list", 9).rest, "things list 9")
        self.assertEqual(page(["x"] * (PAGE - 1), "things list", 9).rest, "")

    def test_password_is_not_shown(self) -> None:
        """Not even by accident."""
        self.assertNotIn("secret", repr(Arguments([], "secret")))
