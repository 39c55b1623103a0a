"""`python -m bench.presence`: does a crowd that comes online disturb those who chat?  Exit status 1 if it does.

Five thousand people with a hundred contacts each log in within thirty seconds, and everybody is told of
everybody's coming, while two others ping and write to each other all the time.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.measure import cpu_seconds
from bench.prepare import token
from bench.report import MILLI, Requirement
from bench.server import daemon, data_folder
from imserver.core.events import ContactList
from imserver.core.requests import ListContacts
from imserver.core.values import State
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import Address, Peer
from tests.end_to_end.siege import Bystanders

PEOPLE, CONTACTS, SECONDS = 5000, 100, 30.0
QUICK_PEOPLE, QUICK_SECONDS = 1000, 6.0
SETTLED_SECONDS = 20.0
P99_MS = 250.0


class Chatting(Bystanders):
    """As many messages as pings."""

    PINGS_FOR_A_MESSAGE = 1


def main(arguments: list[str]) -> int:
    """Measure, print, judge; -> the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.presence", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of them, for a first impression")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to use (default: here)")
    options = parser.parse_args(arguments)
    people, seconds = (QUICK_PEOPLE, QUICK_SECONDS) if options.quick else (PEOPLE, SECONDS)
    with data_folder(options.folder) as folder:
        program("bench.acquainted", str(folder / "data"), str(people), str(CONTACTS)).wait()
        with daemon(folder) as server:
            requirements = list(measured(server, people, seconds))
    print(*requirements, sep="\n")
    return 0 if all(requirement.holds for requirement in requirements) else 1


def program(module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """A part that runs in a process of its own; its output is ours."""
    return subprocess.Popen([sys.executable, "-m", module, *arguments])


def measured(server: Daemon, people: int, seconds: float) -> Sequence[Requirement]:
    """The chat's delay while they come, and how many of a newcomer's contacts are known to be there afterwards."""
    chatting = Chatting(server.address())
    before = cpu_seconds(server.pid)
    host, port = server.address()
    crowd = program("bench.newcomers", host, str(port), str(people), str(seconds))
    chatting.start()
    time.sleep(seconds)
    arrived_cpu = cpu_seconds(server.pid) - before
    missing = until_all_are_there(server.address(), SETTLED_SECONDS)
    chatting.stop()
    crowd.terminate()
    crowd.wait()
    print(f"{people} people in {seconds:.0f} s: {arrived_cpu:.1f} s of the server's CPU while they came")
    return (
        Requirement("ms p99 of pings and messages meanwhile", chatting.p99_seconds * MILLI, P99_MS, True),
        Requirement("contacts whose coming was not told", missing, 0, True),
    )


def until_all_are_there(address: Address, patience: float) -> int:
    """How many contacts of the first one, who has not come yet, are not online, once all are or patience has run out."""
    end = time.monotonic() + patience
    with Peer(address) as peer:
        peer.log_in_with_token(token(0))
        while True:
            found = peer.expect(ListContacts(0, 0), ContactList).contacts
            missing = CONTACTS - sum(contact.presence.state == State.ONLINE for contact in found)
            if not missing or time.monotonic() > end:
                return missing
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
