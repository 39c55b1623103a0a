"""Dataclasses and protobuf messages turned into each other by their field names."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs import mapping
from imserver.core import requests as r
from imserver.core.values import Conversation, Once
from imserver.proto import native_pb2 as pb


class MappingTests(SynchronousTestCase):
    def test_snake_case(self) -> None:
        """The name of a message as a field."""
        self.assertEqual(
            [mapping.snake_case(name) for name in ("Ping", "MarkDelivered", "LogInWithToken")],
            ["ping", "mark_delivered", "log_in_with_token"],
        )

    def test_integers(self) -> None:
        """Up to 2**63 - 1; what is over is refused (threats.md T10)."""
        for n in (0, 2**31, 2**53, 2**63 - 1):
            self.assertEqual(mapping.read(r.Synchronise, pb.Synchronise(after=n)), r.Synchronise(n))
        for n in (2**63, 2**64 - 1):
            self.assertRaises(mapping.OutOfRange, mapping.read, r.Synchronise, pb.Synchronise(after=n))

    def test_integers_in_lists_and_values(self) -> None:
        """Also inside lists and nested values."""
        for message in (pb.CreateGroup(members=[1, 2**63]), pb.CreateGroup(once=pb.Once(epoch=2**63))):
            self.assertRaises(mapping.OutOfRange, mapping.read, r.CreateGroup, message)

    def test_lists(self) -> None:
        """A list has at most 1,000 elements (threats.md T10)."""
        self.assertEqual(len(mapping.read(r.CreateGroup, pb.CreateGroup(members=range(1000))).members), 1000)
        message = pb.CreateGroup(members=range(1001))
        self.assertRaises(mapping.OutOfRange, mapping.read, r.CreateGroup, message)

    def test_absent(self) -> None:
        """An optional value that is not there is None; an empty one is a value."""
        self.assertIsNone(mapping.read(r.LeaveGroup, pb.LeaveGroup(conversation=1)).once)
        self.assertEqual(mapping.read(r.LeaveGroup, pb.LeaveGroup(once=pb.Once())).once, Once(0, 0))

    def test_enumerations(self) -> None:
        """An unknown kind is refused, not guessed."""
        self.assertRaises(mapping.OutOfRange, mapping.read, Conversation, pb.Conversation(id=1, kind=7))
