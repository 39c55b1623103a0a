"""What a device keeps on disk."""

import json
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.errors import StateError
from imserver.client.state import (
    MAX_FILE_BYTES,
    DeviceState,
    StateFile,
    account_folder,
    known_accounts,
    state_folder,
)

STATE = DeviceState("bob", "imchat-1", b"\0token\xff", 7, 8, {17: 3, 2**53 - 1: 2**62})
NUMBERS = st.integers(0, 2**63 - 1)
STATES = st.builds(
    DeviceState, st.text(), st.text(), st.binary(), NUMBERS, NUMBERS, st.dictionaries(NUMBERS, NUMBERS)
)


class StateFileTests(SynchronousTestCase):
    """One file."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.file = StateFile(self.folder / "account" / "listener.json")

    def test_no_file(self) -> None:
        """Is a device that has never logged in."""
        self.assertEqual(self.file.load(), DeviceState())

    @given(STATES)
    def test_round_trip(self, state: DeviceState) -> None:
        """What was saved is loaded, whatever it is."""
        self.file.save(state)
        self.assertEqual(self.file.load(), state)

    def test_the_largest_state(self) -> None:
        """As many cursors as a client keeps can be saved and loaded."""
        state = DeviceState(
            "n" * 32, "d" * 32, bytes(32), 2**62, 2**62, {2**53 - n: 2**62 for n in range(10_000)}
        )
        self.file.save(state)
        self.assertEqual(self.file.load(), state)

    def test_only_the_owner_may_look(self) -> None:
        """Mode 0600 in a folder of mode 0700, also when something else lay there before, and no rest of the writing."""
        self.file.path.parent.mkdir(0o700, parents=True)
        self.file.path.with_suffix(".new").write_text("left by a crash")
        self.file.path.with_suffix(".new").chmod(0o666)
        self.file.save(STATE)
        self.assertEqual(self.file.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.file.path.parent.stat().st_mode & 0o777, 0o700)
        self.assertEqual([path.name for path in self.file.path.parent.iterdir()], ["listener.json"])

    def test_on_disk_before_it_replaces_the_old_one(self) -> None:
        """The new file is synced before it gets the name, so that a power cut leaves one of both."""
        self.file.save(STATE)
        seen: list[DeviceState] = []
        self.patch(os, "fsync", lambda descriptor: seen.append(self.file.load()))
        self.file.save(DeviceState())
        self.assertEqual(seen, [STATE])

    def test_a_failed_save_leaves_the_old_state(self) -> None:
        """The file is replaced as a whole or not at all."""
        self.file.save(STATE)
        self.file.path.with_suffix(".new").mkdir()
        self.assertRaises(StateError, self.file.save, DeviceState())
        self.assertEqual(self.file.load(), STATE)

    @given(
        st.one_of(
            st.binary(max_size=50),
            st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
                lambda value: json.dumps(value).encode()
            ),
        )
    )
    def test_any_bytes(self, data: bytes) -> None:
        """A damaged file is an error that says what to do."""
        self.file.path.parent.mkdir(parents=True, exist_ok=True)
        self.file.path.write_bytes(data)
        self.assertIn("log in again", self.assertRaises(StateError, self.file.load).text)

    def test_damaged_values(self) -> None:
        """Each field is checked; so are the version and the length."""
        self.file.save(STATE)
        whole = json.loads(self.file.path.read_text())
        for field, value in (
            ("version", 2), ("name", 5), ("device", None), ("token", "xy"), ("epoch", -1), ("log_epoch", 2**63),
            ("epoch", True), ("cursors", {"x": 1}), ("cursors", {"1": "1"}), ("cursors", []),
            ("cursors", {str(number): 1 for number in range(10_001)}), ("name", "x" * MAX_FILE_BYTES),
        ):  # fmt: skip
            self.file.path.write_text(json.dumps({**whole, field: value}))
            self.assertRaises(StateError, self.file.load)

    def test_removed(self) -> None:
        """Once or twice."""
        self.file.save(STATE)
        self.file.remove()
        self.file.remove()
        self.assertEqual(self.file.load(), DeviceState())

    def test_one_program_at_a_time(self) -> None:
        """The lock is exclusive, and free again after `with`."""
        other = StateFile(self.file.path)
        with self.file:
            self.file.lock(wait=False)
            self.assertIn("another imchat", self.assertRaises(StateError, other.lock, wait=False).text)
        with other:
            other.lock(wait=False)

    def test_the_token_is_not_shown(self) -> None:
        """Neither in a log nor in a traceback."""
        self.assertNotIn("token", repr(STATE))


class FolderTests(SynchronousTestCase):
    """Where states lie."""

    def test_state_folder(self) -> None:
        """$XDG_STATE_HOME if it is an absolute path, else ~/.local/state."""
        home = Path.home() / ".local" / "state" / "imserver"
        self.assertEqual(state_folder({"XDG_STATE_HOME": "/state"}), Path("/state/imserver"))
        self.assertEqual(state_folder({"XDG_STATE_HOME": "state"}), home)
        self.assertEqual(state_folder({}), home)

    @given(st.text(), st.text())
    def test_nothing_leads_out(self, server: str, name: str) -> None:
        """Whatever the name, the account's folder lies directly in the folder."""
        path = account_folder(Path("/state"), server.encode("utf-8", "replace").decode(), name)
        self.assertEqual((path.parent, path.name in (".", "..")), (Path("/state"), False))

    def test_known_accounts(self) -> None:
        """Those with a state for that server, and no others."""
        folder = Path(self.mktemp())
        self.assertEqual(known_accounts(folder, "here:1"), [])
        for server, name in (("here:1", "bob"), ("here:1", "alice"), ("there:1", "carol")):
            StateFile(account_folder(folder, server, name) / "sender.json").save(STATE)
        account_folder(folder, "here:1", "empty").mkdir()
        self.assertEqual(known_accounts(folder, "here:1"), ["alice", "bob"])
