"""Any sequence of operations has the same outcomes in every store."""

from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import client_ids
from imserver.core.changes import OPERATOR, Action, GroupChange, GroupLimits, GroupOutcome, Recorded
from imserver.core.contacting import ContactBounds
from imserver.core.errors import ChatError
from imserver.core.posting import Posting, Terms
from imserver.core.run import Run
from imserver.core.values import LOBBY, Extra, Kind, Once, Privacy
from imserver.store.memory import MemoryStore
from tests.store.fakes import Rig
from tests.store.fates import fates, posting_of

NOW = 1_700_000_000_000
SEEDS = range(20)
OPERATIONS = 120
ACTIONS = (Kind.TEXT, Kind.EDIT, Kind.RECALL)
WEIGHTS = {"append": 12, "group": 12, "direct": 3, "device": 3, "revoke": 1, "cursor": 4, "delete": 0.3}
WEIGHTS |= {"act": 20, "burn": 3}
WEIGHTS |= {"ask": 6, "reply": 4, "part": 2, "block": 2, "unblock": 2, "privacy": 1, "remark": 1}
MODERATION = {"append": 2, "group": 40, "direct": 0.2, "device": 1, "revoke": 0.2, "delete": 0.05}
LIKELIER = {
    Action.JOINED: 8,
    Action.ADMITTED: 4,
    Action.REJECTED: 4,
    Action.POLICY_CHANGED: 4,
    Action.LEFT: 0.5,
    Action.DISSOLVED: 0.3,
}


def operation(dice: Random, weights: dict[str, float]) -> tuple[Any, ...]:
    """The name of a method of Script and its arguments."""
    (name,) = dice.choices(list(weights), list(weights.values()))
    small = [dice.randrange(5) for _ in range(4)]
    match name:
        case "append":
            return name, [wanted_posting(dice) for _ in range(dice.randrange(1, 5))]
        case "group":
            (action,) = dice.choices(list(Action), [LIKELIER.get(each, 1) for each in Action])
            return name, action, *small, dice.randrange(40)
        case "act":
            who = dice.randrange(2), dice.choice((0, 0, 1, 2, 4))
            return name, dice.choice(ACTIONS), *who, *small[:2], dice.randrange(40), dice.choice((0, 0, 1, 9))
        case "cursor":
            return name, *small[:3]
        case "delete":
            return name, small[0]
        case "ask" | "reply" | "privacy" | "remark":
            return name, *small[:3]
    return name, *small[:2]


def wanted_posting(dice: Random) -> tuple[Any, ...]:
    """(conversation, sender, number of its first client id, what is said under each)

    Mostly the same is said under an id, so that most of what overlaps are retries.
    """
    number, count = dice.choice((client_ids.NO_NUMBER, *range(25))), dice.choice((1, 1, 2, 5, 9))
    said = [dice.choices(("same", "other"), (30, 1))[0] for _ in range(1 if number < 0 else count)]
    return dice.randrange(2), dice.choice((0, 0, 1, 2, 4)), number, said


def seen(run: Run) -> tuple[Any, ...]:
    """Everything about it."""
    return tuple(getattr(run, name) for name in Run.__slots__)


class Script:
    """Operations on one store; small numbers stand for accounts, devices and conversations."""

    def __init__(self, store: Any, settle: Any) -> None:
        self.store = store
        self.settle = settle
        made = [self.outcome(store.create_account(f"user{n}", "", "", NOW)) for n in range(4)]
        self.accounts = [*(account.number for account in made), 7]
        self.conversations: list[int] = [LOBBY]
        self.only = 0  # if anything, the only conversation that is changed

    def outcome(self, coroutine: Any) -> Any:
        """What it returned, or the code of its refusal."""
        outcomes: list[Any] = []
        deferred = Deferred.fromCoroutine(coroutine)
        deferred.addErrback(lambda failure: failure.trap(ChatError) and failure.value.code)
        deferred.addCallback(outcomes.append)
        self.settle()
        return outcomes[0]

    def place(self, n: int) -> int:
        return self.only or self.conversations[n % len(self.conversations)]

    def play(self, operation: tuple[Any, ...]) -> Any:
        return getattr(self, operation[0])(*operation[1:])

    def append(self, wanted: list[tuple[int, ...]]) -> Any:
        postings = [self.posting(*posting) for posting in wanted]
        self.outcome(self.store.append(postings, NOW))
        return [
            (fates(posting), posting.withheld, self.pieces(posting), self.last_history(posting))
            for posting in postings
        ]

    def posting(self, place: int, sender: int, number: int, said: list[str]) -> Posting:
        stem = b"%d" % (len(self.conversations) // 2)
        bodies = [f"{place}, {number + n}, {word}".encode() for n, word in enumerate(said)]
        # Near the newest conversation, where the writers still are members.
        conversation = self.place(len(self.conversations) - 1 - place)
        return posting_of(conversation, self.accounts[sender], stem, number, bodies)

    @staticmethod
    def pieces(posting: Posting) -> Any:
        pieces = [(o.start, o.end, o.first_seq, o.refusal and o.refusal.code) for o in posting.outcomes]
        return posting.first_seq, posting.time_ms, pieces

    def last_history(self, posting: Posting) -> Any:
        dice = Random(len(posting.bodies) + posting.number)
        bounds = dice.randrange(9), dice.randrange(99), dice.random() < 0.5, dice.randrange(1, 20)
        return list(
            map(seen, self.outcome(self.store.history(posting.conversation, *bounds, dice.randrange(200))))
        )

    def act(self, kind: Kind, place: int, sender: int, member: int, terms: int, about: int, burn: int) -> Any:
        mentions = [self.accounts[member]] if member > 2 else []
        extra = Extra(about=1 + about % 5, mentions=mentions, burn_seconds=burn)
        posting = Posting(
            self.place(len(self.conversations) - 1 - place),
            self.accounts[sender],
            "",
            b"%d, %d" % (kind, about),
            kind,
            "",
            b"%d" % burn,
            extra=extra,
            terms=Terms(NOW + terms - 3, moderates=terms > 1, burn_by_ms=NOW + 1000 * about),
        )
        self.outcome(self.store.append([posting], NOW))
        return fates(posting), self.outcome(self.store.sent(posting.sender, posting.client_id(0)))

    def burn(self, place: int, limit: int) -> Any:
        self.outcome(self.store.start_burning([self.place(place), 7], NOW))
        waiting = self.outcome(self.store.waiting_to_burn())
        return waiting, self.outcome(self.store.burn(NOW + 30_000, limit))

    def direct(self, one: int, other: int) -> Any:
        if one == other:
            return None
        return self.remember(
            self.outcome(self.store.open_direct(self.accounts[one], self.accounts[other], NOW, 100))
        )

    def group(self, action: Action, actor: int, conversation: int, member: int, device: int, n: int) -> Any:
        recorded = Recorded(device, Once(n // 30, n), b"%d" % actor) if n % 2 else None
        change = GroupChange(
            action,
            OPERATOR if n == 39 else self.accounts[actor],
            self.place(conversation),
            f"title {n}",
            () if n % 5 == 0 and action in (Action.MUTED, Action.UNMUTED) else (self.accounts[member],),
            recorded,
            n % 3 + 1,
        )
        outcome = self.outcome(self.store.change_group(change, NOW, GroupLimits(3, 3, 5, 2)))
        self.remember(getattr(outcome, "conversation", None))
        return outcome

    def remember(self, conversation: Any) -> Any:
        if hasattr(conversation, "id") and conversation.id not in self.conversations:
            self.conversations.append(conversation.id)
        return conversation

    def device(self, account: int, name: int) -> Any:
        token = b"%d/%d" % (account, name)
        return self.outcome(
            self.store.put_device(self.accounts[account], f"d{name}", token.ljust(32), NOW + name, 2)
        )

    def revoke(self, account: int, name: int) -> Any:
        return self.outcome(self.store.revoke_device(self.accounts[account], f"d{name}"))

    def cursor(self, who: int, conversation: int, seq: int) -> Any:
        places = (self.place(conversation), seq)
        return self.outcome(self.store.save_cursors([(who, *places)], [(self.accounts[who], *places)]))

    def delete(self, account: int) -> Any:
        return self.outcome(self.store.delete_account(self.accounts[account], NOW))

    def ask(self, asker: int, target: int, now: int) -> Any:
        bounds = ContactBounds(2, 2, NOW + now - 2)
        one, other = self.accounts[asker], self.accounts[target]
        return self.outcome(self.store.request_contact(one, other, f"{now}", NOW + now, bounds))

    def reply(self, account: int, asker: int, accept: int) -> Any:
        one, other = self.accounts[account], self.accounts[asker]
        bounds = ContactBounds(2, 2, NOW)
        return self.outcome(self.store.answer_contact(one, other, accept > 1, NOW + accept, bounds))

    def part(self, one: int, other: int) -> Any:
        return self.outcome(self.store.remove_contact(self.accounts[one], self.accounts[other]))

    def block(self, one: int, other: int) -> Any:
        return self.outcome(self.store.block(self.accounts[one], self.accounts[other], NOW, 2))

    def unblock(self, one: int, other: int) -> Any:
        return self.outcome(self.store.unblock(self.accounts[one], self.accounts[other]))

    def privacy(self, account: int, findable: int, open_to_contacts: int) -> Any:
        privacy = Privacy(findable > 1, open_to_contacts > 2)
        return self.outcome(self.store.set_privacy(self.accounts[account], privacy))

    def remark(self, account: int, contact: int, text: int) -> Any:
        one, other = self.accounts[account], self.accounts[contact]
        return self.outcome(self.store.set_remark(one, other, f"remark {text}", f"category {text}"))

    def everything(self) -> Any:
        """What every question answers."""
        answers = [self.outcome(self.store.account_numbered(number)) for number in self.accounts]
        answers += [self.outcome(self.store.devices_of(number)) for number in self.accounts]
        answers.append(self.outcome(self.store.search("user", 0, 99)))
        answers += [self.outcome(self.store.privacy(number)) for number in self.accounts[:4]]
        for account in self.accounts:
            answers.append(self.outcome(self.store.contacts(account, 0, 99)))
            answers.append(self.outcome(self.store.contact_requests(account, 0, 99)))
            answers.append(self.outcome(self.store.blocked(account, 0, 99)))
            for device in range(4):
                for only_behind in (False, True):
                    answers.append(self.outcome(self.store.memberships(account, device, 0, 99, only_behind)))
        answers += [self.outcome(self.store.group_numbered(number)) for number in range(20)]
        for conversation in self.conversations:
            answers.append(self.outcome(self.store.conversation(conversation)))
            answers.append(self.outcome(self.store.members(conversation, 0, 99)))
            answers.append(self.outcome(self.store.join_requests(conversation, 0, 99)))
            runs = self.outcome(self.store.history(conversation, 0, 9999, False, 9999, 2**20))
            answers.append(list(map(seen, runs)))
            answers += [self.outcome(self.store.receipt_counts(conversation, seq)) for seq in range(5)]
        return answers


class AlikeTests(SynchronousTestCase):
    """MemoryStore is SqliteStore's model."""

    def test_alike(self) -> None:
        """Operation by operation, and in everything that can be asked at the end."""
        for seed in SEEDS:
            self.compare(seed, WEIGHTS)

    def test_moderation(self) -> None:
        """The same with most of it in one group, where every change is carried out now and then."""
        found: set[Action] = set()
        for seed in SEEDS:
            found |= self.compare(seed, MODERATION, in_one_group=True)
        self.assertEqual(set(Action) - found, set())

    def compare(self, seed: int, weights: dict[str, float], in_one_group: bool = False) -> set[Action]:
        """-> the changes of groups that were not refused."""
        dice, one, other = Random(seed), Random(1), Random(1)
        rig = Rig(Path(self.mktemp()), randbits=one.getrandbits, token_bytes=one.randbytes)
        rig.store.open()
        self.addCleanup(rig.close)
        sqlite = Script(rig.store, rig.settle)
        memory = Script(MemoryStore(randbits=other.getrandbits, token_bytes=other.randbytes), lambda: None)
        done: set[Action] = set()
        if in_one_group:
            for script in (sqlite, memory):
                script.group(Action.CREATED, 0, 0, 1, 0, 2)
                script.only = script.conversations[-1]
        for _ in range(OPERATIONS):
            wanted = operation(dice, weights)
            outcome = sqlite.play(wanted)
            self.assertEqual(outcome, memory.play(wanted), (seed, wanted))
            if isinstance(outcome, GroupOutcome):
                done.add(wanted[1])
        self.assertEqual(sqlite.everything(), memory.everything(), seed)
        return done
