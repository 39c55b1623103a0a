"""What the daemon asks of its process: libraries, descriptors, file modes, signals, a way to end."""

import faulthandler
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from google.protobuf.internal import api_implementation
from twisted import __version__ as twisted_version
from twisted.logger import Logger
from twisted.python import log

_OLDEST_TWISTED = (26, 10)

_log = Logger()


def check_libraries() -> None:
    """Raises SystemExit with a sentence unless the libraries are those that the server can rely on."""
    if tuple(map(int, twisted_version.split(".")[:2])) < _OLDEST_TWISTED:
        raise SystemExit(
            f"imserver: Twisted {twisted_version} lacks security fixes; run: pip install 'twisted[tls]>=26.10'"
        )
    if api_implementation.Type() != "upb":
        raise SystemExit(
            "imserver: protobuf runs without its C parser (upb), which is too slow; "
            "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION or reinstall protobuf from a wheel"
        )


def prepare() -> int:
    """Private files, all descriptors there are, stacks at a crash.  -> how many descriptors."""
    os.umask(0o077)
    faulthandler.enable(sys.__stderr__ or sys.stderr)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def settle_memory() -> None:
    """Spare the collector what lives as long as the process, and let it look for cycles more rarely.

    Messages hold no cycles; at the default threshold looking for some takes a tenth of all time under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def dispatch_lightly() -> None:
    """Let the reactor call what reads and writes without a log context of its own for each event.

    It is there for the "system" of old-style log lines and costs 2 us, a twelfth of a message that is alone in
    flight; our loggers say themselves where a line is from.
    """
    log.callWithLogger = _call


def _call(logger: object, function: Callable[..., object], *arguments: object) -> object:
    """As twisted.python.log.callWithLogger: what is raised is logged, and the reactor goes on."""
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException:
        log.err()
        return None


def warn_of_root() -> None:
    """Whoever breaks into a daemon of root has the machine."""
    if os.geteuid() == 0:
        _log.warn("running as root, which the daemon does not need; give it a user of its own")


def warn_of_lifted_limits(enabled: bool) -> None:
    """Whoever left it so after a load test should notice."""
    if not enabled:
        _log.warn(
            "no rate and no number of connections is limited ([limits] enabled = false): for load tests only"
        )


def on_signals(reactor: Any, stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reloads.  Call it once the reactor runs: it sets handlers of its own."""
    for number, call in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, reload)):
        signal.signal(number, _handler(reactor, call))


def _handler(reactor: Any, call: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: reactor.callFromThread(call)


class NotStarted(SystemExit, Exception):
    """Ends the start with exit status 1.

    An Exception as well, because only of those twistd tells the process that waits for its daemon to be up.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.code = 1


def report(sentence: str) -> None:
    """Log why the daemon cannot be.

    A person at the terminal reads the log there already; everybody else finds the sentence on stderr, too.
    """
    _log.critical("{sentence}", sentence=sentence)
    if sys.__stderr__ is not None and not (sys.__stdout__ and sys.__stdout__.isatty()):
        print(f"imserver: {sentence}", file=sys.__stderr__, flush=True)


def die(status: int, sentence: str) -> NoReturn:
    """End at once, because to go on would do harm; what was acknowledged is safe on disk."""
    report(sentence)
    os._exit(status)
