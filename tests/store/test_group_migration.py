"""Groups from before they had numbers and owners."""

from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.values import LOBBY, JoinPolicy, Role
from imserver.store import database, schema
from imserver.store.folder import DataFolder
from tests.store.fakes import Rig

VERSION = 4  # with it came numbers, roles and the lobby
OLD = """
    INSERT INTO accounts (number, name, display_name, signature, password_hash, created_ms)
        VALUES (1, 'one', '', '', '', 0), (2, 'two', '', '', '', 0), (3, 'three', '', '', '', 0);
    INSERT INTO conversations (id, kind, title, lower, higher, created_ms) VALUES
        (70, 1, '', 1, 2, 5), (90, 2, 'first', NULL, NULL, 10), (80, 2, 'second', NULL, NULL, 20),
        (60, 2, 'third', NULL, NULL, 20), (50, 2, 'left by all', NULL, NULL, 30);
    INSERT INTO members (conversation, account, joined_seq, left_seq) VALUES
        (70, 1, 0, 0), (70, 2, 0, 0), (90, 1, 0, 3), (90, 3, 2, 0), (90, 2, 1, 0),
        (80, 2, 0, 0), (80, 1, 0, 0), (60, 3, 0, 0), (50, 1, 0, 2);
"""


class GroupMigrationTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = DataFolder(Path(self.mktemp()))
        folder.claim()
        before = [migration for migration in schema.migrations() if migration.version < VERSION]
        database.create(folder, lambda bits: 7, before)
        connection = apsw.Connection(str(folder.database))
        for _ in connection.execute(OLD):
            pass
        connection.close()
        folder.release()
        self.rig = Rig(folder.path)
        self.rig.store.open()
        self.addCleanup(self.rig.close)

    def get(self, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        self.rig.settle()
        return self.successResultOf(deferred)

    def test_numbers(self) -> None:
        """In the order in which they were made, after the lobby; direct conversations have none."""
        found = {
            id: self.get(self.rig.store.conversation(id))[0].number for id in (LOBBY, 50, 60, 70, 80, 90)
        }
        self.assertEqual(found, {LOBBY: 1, 90: 2, 60: 3, 80: 4, 50: 5, 70: 0})

    def test_policies(self) -> None:
        """As before, one is added; the lobby is open."""
        found = {id: self.get(self.rig.store.conversation(id))[0].join_policy for id in (LOBBY, 70, 90)}
        self.assertEqual(found, {LOBBY: JoinPolicy.OPEN, 70: 0, 90: JoinPolicy.BY_INVITATION})

    def test_owners(self) -> None:
        """Whoever is in it for longest owns a group; nobody owns a direct conversation or an empty group."""
        found = {id: self.get(self.rig.store.conversation(id))[3].roles for id in (LOBBY, 50, 60, 70, 80, 90)}
        owner = Role.OWNER
        self.assertEqual(found, {LOBBY: {}, 50: {}, 60: {3: owner}, 70: {}, 80: {1: owner}, 90: {2: owner}})
