"""What requests ask of a group."""

import typing

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import group_requests as r
from imserver.core.changes import Action
from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits
from imserver.core.orders import Order, order
from imserver.core.values import JoinPolicy, Role

LIMITS = Limits()
ORDERS: tuple[tuple[r.GroupRequest, Order], ...] = (
    (r.CreateGroup(" Lunch ", [2, 3]), Order(Action.CREATED, (2, 3), "Lunch")),
    (r.JoinGroup(9, " please "), Order(Action.JOINED, (), "please")),
    (r.AddMembers(1, [2, 3]), Order(Action.ADDED, (2, 3))),
    (r.LeaveGroup(1), Order(Action.LEFT)),
    (r.RenameGroup(1, " Lunch "), Order(Action.RENAMED, (), "Lunch")),
    (r.AnswerJoin(1, 2, True), Order(Action.ADMITTED, (2,))),
    (r.AnswerJoin(1, 2, False), Order(Action.REJECTED, (2,))),
    (r.RemoveMember(1, 2), Order(Action.REMOVED, (2,))),
    (r.SetRole(1, 2, Role.ADMIN), Order(Action.PROMOTED, (2,))),
    (r.SetRole(1, 2, Role.MEMBER), Order(Action.DEMOTED, (2,))),
    (r.HandOver(1, 2), Order(Action.HANDED_OVER, (2,))),
    (r.Mute(1, 2, 60), Order(Action.MUTED, (2,), value=60)),
    (r.Mute(1, 0, 60), Order(Action.MUTED, (), value=60)),
    (r.Mute(1, 2, 0), Order(Action.UNMUTED, (2,))),
    (r.SetJoinPolicy(1, JoinPolicy.OPEN), Order(Action.POLICY_CHANGED, value=1)),
    (r.SetAnnouncement(1, " News "), Order(Action.ANNOUNCED, (), "News")),
    (r.DissolveGroup(1), Order(Action.DISSOLVED)),
)
REFUSED: tuple[tuple[r.GroupRequest, Code], ...] = (
    (r.CreateGroup("", []), Code.BAD_REQUEST),
    (r.RenameGroup(1, "x" * (LIMITS.max_title_chars + 1)), Code.BAD_REQUEST),
    (r.JoinGroup(1, "x" * (LIMITS.max_join_text_chars + 1)), Code.BAD_REQUEST),
    (r.SetAnnouncement(1, "x" * (LIMITS.max_announcement_chars + 1)), Code.BAD_REQUEST),
    (r.SetJoinPolicy(1, 0), Code.BAD_REQUEST),
    (r.SetJoinPolicy(1, 4), Code.BAD_REQUEST),
    (r.SetRole(1, 2, 0), Code.BAD_REQUEST),
    (r.SetRole(1, 2, 4), Code.BAD_REQUEST),
    (r.SetRole(1, 2, Role.OWNER), Code.FORBIDDEN),
    (r.Mute(1, 2, -1), Code.BAD_REQUEST),
    (r.Mute(1, 2, LIMITS.max_mute_seconds + 1), Code.BAD_REQUEST),
)


class OrderTests(SynchronousTestCase):
    def test_complete(self) -> None:
        """Every request that may carry `once` is here, and every action comes of one."""
        self.assertEqual({type(request) for request, _ in ORDERS}, set(typing.get_args(r.GroupRequest)))
        self.assertEqual({expected.action for _, expected in ORDERS}, set(Action))

    def test_orders(self) -> None:
        """Each request asks for one action, with its strings as they will be kept."""
        for request, expected in ORDERS:
            self.assertEqual(order(request, LIMITS), expected)

    def test_refused(self) -> None:
        """What no group could do is refused before one is looked at."""
        for request, code in REFUSED:
            self.assertEqual(self.assertRaises(ChatError, order, request, LIMITS).code, code, request)
