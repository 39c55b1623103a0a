"""A full disk: sends are refused, nothing acknowledged is lost, reads go on, and new room is noticed by itself."""

from pathlib import Path

from imserver.core.errors import Code
from imserver.core.events import History
from imserver.core.requests import FetchHistory
from tests.end_to_end.drill import DEEP, Drill
from tests.end_to_end.small_disk import MEBIBYTE, again_in_a_namespace, small_disk
from tests.history import Acked

LEVELS = 20 if DEEP else 1
PATIENCE_SECONDS = 120.0
ROOM, LATER_ROOM = 8 * MEBIBYTE, 48 * MEBIBYTE
LEVEL_BYTES = 100_000


class DiskFullTests(Drill):
    def test_full_disk(self) -> None:
        """UNAVAILABLE_STORAGE while it is full; with room again it goes on by itself, with nothing amiss."""
        for level in range(LEVELS):
            disk = small_disk(self, Path(self.mktemp()).resolve(), ROOM, LATER_ROOM)
            if disk is None:
                again_in_a_namespace(self)
                return
            (disk.folder / "level").write_bytes(bytes(level * LEVEL_BYTES))
            self.start(people=10, groups=2, size=4000, think_seconds=0.02, data=disk.folder / "data")
            pid = self.daemon.pid
            self.fill_up()
            self.reading_goes_on()
            disk.enlarge()
            self.stores_again()
            self.assertEqual(self.daemon.pid, pid)
            self.nothing_is_amiss()
            self.assertGreater(self.count(Acked), 100)

    def fill_up(self) -> None:
        """Talk until the disk is full, and on."""
        self.crowd.talk_until(lambda: Code.UNAVAILABLE_STORAGE in self.crowd.refusals, PATIENCE_SECONDS)
        self.crowd.talk(1.0)

    def reading_goes_on(self) -> None:
        """Neither logging in nor reading needs room."""
        person = self.crowd.people[0]
        with person.another_connection(self.address) as peer:
            page = peer.expect(FetchHistory(person.conversations[0], 0, 0, 10), History)
        self.assertEqual(len(page.messages), 10)
        self.crowd.listen_until(lambda: person.peer is None, PATIENCE_SECONDS)  # replaced by that connection
        self.crowd.connect(self.address)

    def stores_again(self) -> None:
        """Soon a send is acknowledged, without a restart."""
        acked = self.count(Acked)
        self.crowd.talk_until(lambda: self.count(Acked) > acked, PATIENCE_SECONDS)
