"""What somebody sends without waiting arrives in its order, also when he is refused for being too fast (delivery.md P3)."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.end_to_end.daemon import ROOT, Daemon

SECONDS = 60.0
LIMITS = """
[limits]
message_bytes_per_second = 3000
message_bytes_burst = 600
"""
# Every third message is long, so that it is refused where the ones after it would fit; some go by name, some by id.
SCRIPT = """
import sys
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import blockingCallFromThread
from imserver.client import blocking, tls
from imserver.client.blocking import BlockingClient
from imserver.client.client import register
server = tls.Server(port=int(sys.argv[1]))
blocking._running_reactor()
for name in ("alice", "bob"):
    blockingCallFromThread(reactor, lambda: register(reactor, tls.endpoint(reactor, server), name, "correct horse"))

def flood(client):
    def say(n):
        text = f"{n} " + "x" * (500 if n % 3 == 0 else 1)
        return client.send_to("bob", text) if n % 2 else client.send(team, text)
    return gatherResults([Deferred.fromCoroutine(say(n)) for n in range(40)])

def numbers(client, conversation):
    async def read():
        return [int(m.body.split()[0]) for m in await client.newest(conversation, 99) if m.kind == 1]
    return Deferred.fromCoroutine(read())

with BlockingClient("alice", "correct horse", server=server) as alice:
    team = alice.call(lambda client: client.create_group("team", ["bob"])).conversation.id
    sent = alice.call(flood)
    for conversation in (sent[1].conversation, team):
        print(alice.call(lambda client: numbers(client, conversation)))
"""


class OrderTests(SynchronousTestCase):
    def test_too_fast(self) -> None:
        """Forty messages at once, to somebody and to a group, through a limit that refuses the long ones at first."""
        daemon = Daemon(self, config=LIMITS).start()
        _, port = daemon.address()
        done = subprocess.run(
            (sys.executable, "-c", SCRIPT, str(port)),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(), [f"{list(range(1, 40, 2))}", f"{list(range(0, 40, 2))}"])
        self.assertEqual(daemon.stop(), 0)
        daemon.assert_clean()
