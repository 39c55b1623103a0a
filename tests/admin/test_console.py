"""imserver.admin.console: asking a daemon that answers, that answers oddly, or that is not there."""

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.admin import console
from imserver.admin.console import Console
from imserver.admin.errors import AdminError, NoDaemon
from imserver.operator.admin_socket import reachable


class ConsoleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir(parents=True)
        self.questions: list[Any] = []

    def serve(self, *answers: bytes) -> None:
        """A daemon that gives these answers, and then ends the connection."""
        listening = socket.socket(socket.AF_UNIX)
        with reachable(self.folder / "admin.sock") as name:
            listening.bind(name)
        listening.listen()

        def answer() -> None:
            connected, _ = listening.accept()
            with connected, connected.makefile("rb") as lines:
                for each in answers:
                    self.questions.append(json.loads(lines.readline()))
                    connected.sendall(each)

        thread = threading.Thread(target=answer)
        thread.start()
        self.addCleanup(listening.close)
        self.addCleanup(thread.join)

    def test_pages(self) -> None:
        """Page after page, as the answers say."""
        self.serve(b'{"lines": ["a", "b"], "rest": "more 2"}\n', b'{"lines": ["c"], "rest": ""}\n')
        with Console(self.folder) as asking:
            self.assertEqual(list(asking.ask("accounts list", "secret")), ["a", "b", "c"])
        self.assertEqual([each["line"] for each in self.questions], ["accounts list", "more 2"])
        self.assertEqual(self.questions[0]["password"], "secret")

    def test_refused(self) -> None:
        """A refusal is its sentence."""
        self.serve(b'{"refused": "NOT_FOUND", "text": "there is no such account"}\n')
        with Console(self.folder) as asking:
            error = self.assertRaises(AdminError, list, asking.ask("accounts freeze bob"))
        self.assertEqual(str(error), "there is no such account")

    def test_daemon_ends(self) -> None:
        """A daemon that ends meanwhile leaves it open whether anything was done, and that is said."""
        self.serve(b"")
        with Console(self.folder) as asking:
            error = self.assertRaises(AdminError, list, asking.ask("statistics"))
        self.assertIn("its log", str(error))

    def test_process(self) -> None:
        """Who answers is known."""
        self.serve()
        with Console(self.folder) as asking:
            self.assertEqual(asking.daemon_pid, os.getpid())

    def test_no_daemon(self) -> None:
        """No folder, no socket, a dead one: no daemon runs."""
        dead = Path(self.mktemp())
        dead.mkdir()
        with socket.socket(socket.AF_UNIX) as bound, reachable(dead / "admin.sock") as name:
            bound.bind(name)
        for folder in (self.folder, self.folder / "none", dead):
            self.assertIn("no daemon runs on", str(self.assertRaises(NoDaemon, Console, folder)))

    def test_not_allowed(self) -> None:
        """Who may not open it is told whom to ask as."""

        def refuse(path: Path) -> Callable[[], None]:
            raise PermissionError(13, "Permission denied")

        self.patch(console, "reachable", refuse)
        self.assertIn(
            "as root, or as the daemon's user", str(self.assertRaises(AdminError, Console, self.folder))
        )
