"""imserver.store.sqlite keeps a store's promises, and opens and closes its file as it should."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.store.sqlite import SqliteStore
from tests.contracts.groups import GroupsContract
from tests.contracts.store import StoreContract
from tests.store.fakes import Rig


class _Sqlite:
    """A new database for each test."""

    def make_store(self) -> SqliteStore:
        self.rig = Rig(Path(self.mktemp()))
        self.rig.store.open()
        self.addCleanup(self.rig.close)
        return self.rig.store

    def settle(self) -> None:
        self.rig.settle()


class SqliteStoreTests(_Sqlite, StoreContract, SynchronousTestCase):
    """The contract."""


class SqliteGroupsTests(_Sqlite, GroupsContract, SynchronousTestCase):
    """The contract of groups."""
