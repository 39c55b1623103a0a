"""The blocking facade, in scripts against a real daemon."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.end_to_end.daemon import ROOT, Daemon

SECONDS = 120.0
BEGIN = """
import sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.threads import blockingCallFromThread
from imserver.client import blocking, tls
from imserver.client.blocking import BlockingClient
from imserver.client.client import register
from imserver.client.errors import RequestRefused
server = tls.Server(port=int(sys.argv[1]))
state = Path(sys.argv[2])

def texts(client, timeout):
    return [arrived.message.body.decode() for arrived in client.messages(timeout=timeout)]
"""
REGISTER = """
blocking._running_reactor()
for name in ("alice", "bob"):
    blockingCallFromThread(
        reactor, lambda: register(reactor, tls.endpoint(reactor, server), name, "correct horse")
    )
"""


class BlockingTests(SynchronousTestCase):
    """Each script is a process of its own; it ends by itself although its reactor runs in a thread."""

    def setUp(self) -> None:
        self.daemon = Daemon(self).start()
        self.state = self.daemon.folder / "state" / "bob.json"
        self.script(REGISTER)

    def script(self, text: str) -> str:
        """Run a script -> its output."""
        _, port = self.daemon.address()
        done = subprocess.run(
            (sys.executable, "-c", BEGIN + text, str(port), str(self.state)),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_two_in_one_script(self) -> None:
        """Send, receive with an end to waiting, read history, be refused."""
        output = self.script("""
with BlockingClient("alice", "correct horse", server=server) as alice:
    with BlockingClient("bob", "correct horse", server=server) as bob:
        print(alice.send("bob", "one").seq, alice.send("bob", "two").seq)
        messages = bob.messages(timeout=60)
        print([next(messages).message.body, next(messages).message.body], texts(bob, 0.1))
        alice.send("bob", "three")
        print(next(bob.messages()).message.body, [message.seq for message in bob.history("alice", 2)])
        print(bob.call(lambda client: client.create_group("team", ["alice"])).conversation.title)
        try:
            alice.send("nobody", "x")
        except RequestRefused as error:
            print(error.code)
""")
        self.assertEqual(
            output.splitlines(), ["1 2", "[b'one', b'two'] []", "b'three' [2, 3]", "team", "NOT_FOUND"]
        )

    def test_a_state_file(self) -> None:
        """The device stays the same from script to script, needs its password once, and gets nothing twice."""
        self.script('with BlockingClient("bob", "correct horse", server=server, state_file=state): pass')
        self.script("""
with BlockingClient("alice", "correct horse", server=server) as alice:
    for number in range(3):
        alice.send("bob", str(number))
""")
        read = """
with BlockingClient("bob", server=server, state_file=state) as bob:
    messages = bob.messages(timeout=60)
    print([next(messages).message.body.decode() for _ in range(2)])
"""
        self.assertEqual(self.script(read), "['0', '1']\n")
        self.assertEqual(self.script(read.replace("range(2)", "range(1)")), "['2']\n")

    def test_a_wrong_password(self) -> None:
        """Is raised where the client is entered, and the device is free for another try."""
        output = self.script("""
for password in ("wrong", "correct horse"):
    try:
        with BlockingClient("bob", password, server=server, state_file=state) as bob:
            print(bob.client.account.name)
    except RequestRefused as error:
        print(error.code)
""")
        self.assertEqual(output, "WRONG_CREDENTIALS\nbob\n")
