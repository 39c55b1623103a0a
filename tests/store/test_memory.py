"""imserver.store.memory keeps a store's promises."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.store.memory import MemoryStore
from tests.contracts.groups import GroupsContract
from tests.contracts.store import StoreContract


class MemoryStoreTests(StoreContract, SynchronousTestCase):
    """The contract."""

    def make_store(self) -> MemoryStore:
        return MemoryStore()


class MemoryGroupsTests(GroupsContract, SynchronousTestCase):
    """The contract of groups."""

    def make_store(self) -> MemoryStore:
        return MemoryStore()
