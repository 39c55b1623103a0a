"""Groups, as they look on a terminal."""

from imserver.core import requests as r
from imserver.core.values import Kind
from tests.core.client import logged_in
from tests.dialogues.telnet.terminal import TelnetCase, Terminal


class GroupTests(TelnetCase):
    def group(self) -> tuple[Terminal, Terminal]:
        """Alice's, with bob in it; its number is 2, because the lobby's is 1."""
        alice, bob = self.terminal("alice"), self.terminal("bob")
        alice.typed("group create The Club")
        alice.typed("group add *2 bob")
        alice.lines()
        bob.lines()
        return alice, bob

    def test_new(self) -> None:
        """A new group is told with its number, and so is everybody who is added."""
        alice, bob = self.terminal("alice"), self.terminal("bob")
        self.assertEqual(
            alice.typed("group create  The \u202fClub"),
            ['You are in the group *2 "The \u202fClub".', '*2: alice created the group "The \u202fClub"'],
        )
        self.assertEqual(
            alice.typed("group add *2 bob carol"), ["*2: alice added bob, carol", "In *2 now: bob, carol."]
        )
        self.assertEqual(
            bob.lines(), ['You are in the group *2 "The \u202fClub".', "*2: alice added bob, carol"]
        )
        self.assertEqual(bob.typed("group"), ['*2 "The \u202fClub"'])
        self.assertEqual(
            bob.typed("group members *2"), ["alice (Alice), the owner", "bob (Bob)", "carol (Carol)"]
        )

    def test_talk(self) -> None:
        """What is said there has the number before its name, and several lines stay one message."""
        alice, bob = self.group()
        self.assertEqual(bob.typed("msg *2 hello, all"), ["Sent to *2."])
        self.assertEqual(alice.lines(), ["*2 bob: hello, all"])
        other = logged_in(self.world, "alice")
        other.ask(r.SendTo("*2", b"1", Kind.TEXT, "", b"one\n*2 bob: two"))
        self.assertEqual(alice.lines(), ["*2 alice: one", "| *2 bob: two"])
        self.assertEqual(bob.lines(), ["*2 alice: one", "| *2 bob: two"])
        shown = bob.typed("history *2 2")
        self.assertEqual(
            [shown[0][17:], shown[1][17:], shown[2]], ["*2 bob: hello, all", "*2 alice: one", "| *2 bob: two"]
        )

    def test_strangers(self) -> None:
        """A group one is not in is answered like one that does not exist."""
        self.group()
        carol = self.terminal("carol")
        for number in (2, 3, 99999999):
            self.assertEqual(
                carol.typed(f"msg *{number} hello"),
                [f"Not sent to *{number}: you are in no group of that number."],
            )
            self.assertEqual(
                carol.typed(f"join *{number}"), ["There is no group of that number that you could join."]
            )
            self.assertEqual(carol.typed(f"history *{number}"), [f"You have not talked with *{number} yet."])
            for command in ("leave", "group members"):
                said = carol.typed(f"{command} *{number}")
                self.assertEqual(said, [f"You are in no group *{number}, and it is not open to you."])
        for word in ("2", "*", "*x", "*-1", "*" + "9" * 40):
            self.assertEqual(carol.typed(f"leave {word}"), ["A group is written *N, as in *3."])
            self.assertEqual(carol.typed(f"msg *{word} hello")[0].split(":")[0], f"Not sent to *{word}")
        self.assertEqual(carol.typed("group"), ["You are in no group.  Say: group create TITLE, or: join *N"])

    def test_leaving(self) -> None:
        """Who leaves reads what was said until then, and says nothing more."""
        alice, bob = self.group()
        alice.typed("msg *2 hello")
        self.assertEqual(bob.typed("leave *2"), ["*2 alice: hello", "*2: bob left", "You have left *2."])
        self.assertEqual(alice.lines(), ["*2: bob left"])
        alice.typed("msg *2 now that he is gone")
        self.assertEqual(bob.lines(), [])
        self.assertEqual(
            [line[17:] for line in bob.typed("history *2 2")], ["*2 alice: hello", "*2: bob left"]
        )
        self.assertIn("Not sent to *2: ", bob.typed("msg *2 hello")[0])
        self.assertEqual(bob.typed("group"), ["You are in no group.  Say: group create TITLE, or: join *N"])

    def test_open(self) -> None:
        """Where everybody may come in, who does is told what the group announces."""
        alice, _ = self.group()
        carol = self.terminal("carol")
        self.assertEqual(
            alice.typed("group policy *2 shut"), ["How people join is one of open, request, invitation."]
        )
        self.assertEqual(alice.typed("group policy *2 open"), ["*2: alice changed how people join: open"])
        alice.typed("group announce *2 no smoking")
        self.assertEqual(
            carol.typed("join *2"),
            ['You are in the group *2 "The Club".', "Its announcement: no smoking", "*2: carol joined"],
        )

    def test_by_request(self) -> None:
        """An admin is told who would like to come in, and answers."""
        alice, bob = self.group()
        carol = self.terminal("carol")
        alice.typed("group policy *2 request")
        bob.lines()
        self.assertEqual(carol.typed("join *2 let me in"), ["The admins of *2 have your request."])
        wish = (
            'carol would like to join *2. "let me in"  Say: group accept *2 carol, or: group refuse *2 carol'
        )
        self.assertEqual(alice.lines(), [wish])
        self.assertEqual((bob.lines(), alice.typed("group requests *2")), ([], [wish]))
        self.assertEqual(alice.typed("group refuse *2 carol"), ["carol stays outside."])
        self.assertEqual(alice.typed("group requests *2"), ["Nobody is waiting to join *2."])
        carol.typed("join *2")
        self.assertEqual(alice.typed("group accept *2 carol")[-1], "*2: alice admitted carol")
        self.assertIn('You are in the group *2 "The Club".', carol.lines())

    def test_admins(self) -> None:
        """What the owner and admins do is read by all in the group; who may not is told so."""
        alice, bob = self.group()
        for command, line in {
            "group rename *2 Pub": '*2: alice renamed the group to "Pub"',
            "group announce *2 hear, hear": "*2: alice announced: hear, hear",
            "group promote *2 bob": "*2: alice made bob an admin",
            "group demote *2 bob": "*2: alice made bob a member again",
            "group remove *2 bob": "*2: alice removed bob",
        }.items():
            self.assertEqual((alice.typed(command), bob.lines()), ([line], [line]), command)
        alice.typed("group add *2 bob")
        self.assertRegex(alice.typed("group mute *2 bob 5")[0], r"\*2: alice muted bob until ")
        self.assertRegex(bob.typed("msg *2 but")[-1], r"Not sent to \*2: you are muted until ")
        self.assertEqual(alice.typed("group mute *2 bob forever"), ["MINUTES is a number; 0 ends it."])
        self.assertRegex(alice.typed("group mute *2 Everyone 5")[0], r"\*2: alice muted everybody until ")
        self.assertEqual(alice.typed("group mute *2 everyone 0"), ["*2: alice let everybody write again"])
        bob.lines()
        self.assertEqual(alice.typed("group promote *2 carol"), ["The group has no member carol."])
        self.assertEqual(bob.typed("group rename *2 mine"), ["Only the admins of the group may do that."])
        self.assertEqual(alice.typed("group owner *2 bob"), ["*2: alice handed the group over to bob"])
        self.assertEqual(
            bob.typed("group dissolve *2")[-2:], ["*2: bob dissolved the group", "There is no *2 any more."]
        )
