"""imserver.operator.table: which line is which command, and that each leaves one line of audit."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import ChatError
from imserver.operator import table
from imserver.operator.command import Answer, Arguments, Command
from imserver.operator.table import COMMANDS, help_lines, parse, run_as_administrator
from tests.core.client import account, group, logged_in, result
from tests.operator.operated import OperatedCase

EVERYTHING = (
    "accounts list",
    "accounts create alice",
    "accounts show alice",
    "accounts freeze alice",
    "accounts unfreeze alice",
    "accounts reset-password alice",
    "accounts promote alice",
    "accounts demote alice",
    "sessions list",
    "sessions kick alice",
    "groups list",
    "groups remove {group} alice",
    "groups mute {group} bob 60",
    "groups dissolve {group}",
    "invitations create",
    "invitations list",
    "invitations withdraw 1",
    "announce hello",
    "statistics",
    "accounts delete alice",
)


class ParseTests(SynchronousTestCase):
    def test_words(self) -> None:
        """A name of one or two words, then its words, with the quotes of a shell."""
        command, words = parse("sessions kick alice 'my phone'")
        self.assertEqual((command.name, list(words)), ("sessions kick", ["alice", "my phone"]))
        self.assertEqual(parse("Accounts  LIST")[0].name, "accounts list")

    def test_text(self) -> None:
        """A text is the rest of the line, as it stands."""
        command, words = parse('announce  don\'t panic,  we are "back"\nat ten ')
        self.assertEqual((command.name, list(words)), ("announce", ['don\'t panic,  we are "back"\nat ten']))

    def test_no_command(self) -> None:
        """Anything else is refused."""
        for line in (
            "",
            " ",
            "accounts",
            "frobnicate",
            "accounts freeze",
            "statistics now",
            "announce ",
            "accounts show 'x",
        ):
            self.assertEqual(self.assertRaises(ChatError, parse, line).code, "BAD_REQUEST", line)

    def test_nearly_a_command(self) -> None:
        """Who does not know how it goes on is told; anybody else, how commands begin."""
        for line, names in (
            ("sessions end", "sessions list, sessions kick"),
            ("frobnicate", "accounts, invitations, "),
        ):
            self.assertIn(names, self.assertRaises(ChatError, parse, line).text)

    def test_help(self) -> None:
        """Every command has a line with its usage and what it does."""
        lines = help_lines()
        self.assertEqual(len(lines), len(COMMANDS))
        for line, command in zip(lines, COMMANDS.values(), strict=True):
            self.assertTrue(line.startswith(f"{command.name} {command.usage}"))
            self.assertTrue(command.help and line.endswith(command.help))

    def test_help_about(self) -> None:
        """Those of a command, or of its first word; a word that begins none is refused."""
        for topic, count in (("accounts", 9), ("Accounts list", 1), ("statistics", 1), (" ", len(COMMANDS))):
            self.assertEqual(len(help_lines(topic)), count, topic)
        self.assertRaises(ChatError, help_lines, "acc")


class AuditTests(OperatedCase):
    def test_every_command(self) -> None:
        """Each command leaves one line: who, what, on whom, with which result."""
        self.assertEqual({parse(line)[0].name for line in EVERYTHING}, set(COMMANDS))
        bob = logged_in(self.world, "bob")
        for template in EVERYTHING:
            if template == "groups remove {group} alice":
                group(bob, result(self.world.store.account_named("alice")).account.number)
            line = template.format(group=2)
            self.audit.clear()
            self.ask(line)
            command, words = parse(line)
            self.assertEqual(self.audit, [("root", command.name, command.whom(words), "done")])

    def test_whom(self) -> None:
        """Everybody and every device a command acts on is named, and what was done with them."""
        for line, whom in (
            ("groups remove 2 carol", "2 carol"),
            ("groups mute 2 carol 60", "2 carol"),
            ("sessions kick carol 'my phone'", "carol my phone"),
            ("invitations create 3 50", ""),
            ("announce the secret plan", ""),
        ):
            self.refusal(line) if whom else self.ask(line)
            self.assertEqual(self.audit[-1][1:3], (parse(line)[0].name, whom))
            said = line if whom or "secret" not in line else "announce"
            self.assertTrue(self.said[-1].startswith(f"operator root: {said}: "), self.said[-1])

    def test_refused(self) -> None:
        """A refusal is logged with its code; a line that is no command is not logged."""
        self.refusal("accounts freeze nobody")
        self.refusal("frobnicate")
        self.assertEqual(self.audit, [("root", "accounts freeze", "nobody", "NOT_FOUND")])

    def test_failed(self) -> None:
        """Our own bug is logged, too, and goes on to whoever asked."""

        async def fail(core: object, arguments: Arguments) -> Answer:
            raise ZeroDivisionError

        self.patch(table, "COMMANDS", {"break": Command("break", "", "", fail)})
        self.failureResultOf(self.started("break"), ZeroDivisionError)
        self.assertEqual(self.audit, [("root", "break", "", "failed")])

    def test_administrator(self) -> None:
        """Whoever is logged in may give commands as long as he is an administrator, under his name."""
        alice = logged_in(self.world, "alice")

        def ask() -> object:
            try:
                result(run_as_administrator(self.core, alice.session, "groups list"))
            except ChatError as error:
                return error.code
            return "done"

        self.assertEqual(ask(), "FORBIDDEN")
        self.ask("accounts promote alice")
        self.assertEqual(ask(), "done")
        self.assertEqual(self.audit[-1], ("alice (test, 192.0.2.1)", "groups list", "", "done"))
        self.ask("accounts demote alice")
        self.assertEqual(ask(), "FORBIDDEN")

    def test_no_secrets(self) -> None:
        """Neither passwords nor codes nor texts are in what is logged."""
        account(self.world, "alice")
        said = self.ask("accounts reset-password alice") + self.ask("invitations create")
        self.ask("accounts reset-password alice", "correct horse")
        self.ask("announce the secret plan")
        secrets = [line.partition(": ")[2] for line in said if line.startswith(("password", "code"))]
        self.assertEqual(len(secrets), 2)
        for secret in (*secrets, "correct horse", "secret plan"):
            self.assertNotIn(secret, repr(self.audit))
