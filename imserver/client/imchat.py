"""imchat, the client for a terminal: parse, ask, run, and end with the right exit status.

Whatever has to be asked is asked before the reactor runs, so that Ctrl-C works at every question.
"""

import asyncio
import ipaddress
import os
import sys
from collections.abc import Coroutine
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError, ReactorNotRunning
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from imserver.client import questions, terminal, tls
from imserver.client.arguments import Options, parse
from imserver.client.chat import chat
from imserver.client.commands import COMMANDS, Context
from imserver.client.errors import ClientError, NotConnected
from imserver.client.profile import Profile
from imserver.client.reconnector import FINAL
from imserver.client.state import known_accounts, state_folder

DONE, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
ANSWER_SECONDS = 60.0
ENDLESS = frozenset(("", "listen"))  # the user ends them; everything else has its deadline
RECEIVING = frozenset(("", "listen", "logout"))
SENDING = frozenset(COMMANDS) - {"listen"}


def main() -> None:
    """The console script."""
    options = parse(sys.argv[1:], os.environ)
    try:
        status = _screen(options) if _has_screen(options) else _main(options)
    except questions.UsageError as error:
        terminal.complain(str(error))
        status = USAGE
    except NotConnected as error:
        terminal.complain(f"{options.server}: {error.text}")
        status = REFUSED if error.code in FINAL else UNREACHABLE
    except ClientError as error:
        terminal.complain(error.text)
        status = REFUSED
    except (KeyboardInterrupt, EOFError):
        status = INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = DONE
    sys.exit(status)


def _has_screen(options: Options) -> bool:
    """Whether imchat alone sits in a terminal that can show the screen, and textual is there to draw it."""
    if options.command or options.lines or options.password_file == questions.STDIN:
        return False
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        return False
    if find_spec("textual") is None:
        terminal.complain("for the screen: pip install 'imserver[screen]'; until then, lines")
        return False
    return True


def _screen(options: Options) -> int:
    """The screen draws on asyncio's loop, so the reactor of this one program runs on that too."""
    from twisted.internet import asyncioreactor

    from imserver.client.screen import program
    from imserver.client.screen.entrance import Entrance

    loop = asyncio.new_event_loop()
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    folder = state_folder(os.environ)
    entrance = Entrance(reactor, _endpoint(reactor, options), folder, str(options.server))
    known = entrance.known()
    name = options.user or (known[0] if len(known) == 1 else "")
    password = questions.password_in(options.password_file) if options.password_file else ""
    program.log_to(folder)
    app = program.make_app(entrance, name, password, _readable(options.server))
    return run(reactor, program.show(app, loop), endless=True) or app.return_code or DONE


def _endpoint(reactor: Any, options: Options) -> IStreamClientEndpoint:
    try:
        return tls.endpoint(reactor, options.server)
    except (OSError, ValueError) as error:
        raise questions.UsageError(
            f"{'--ca' if options.server.authorities else '--server'}: {error}"
        ) from None


def _main(options: Options) -> int:
    from twisted.internet import reactor  # here, because importing it installs it

    endpoint = _endpoint(reactor, options)
    if warning := _readable(options.server):
        terminal.complain(warning)
    folder = state_folder(os.environ)
    name, registers = questions.who(options, known_accounts(folder, str(options.server)))
    profile = Profile(folder, str(options.server), name)
    text = questions.text_for(options)
    with ExitStack() as locks:
        if options.command in RECEIVING:
            locks.enter_context(profile.listener).lock(wait=False)
        if options.command in SENDING:
            locks.enter_context(profile.sender).lock(wait=True)
        password = questions.password_for(options, profile, registers)
        context = Context(reactor, endpoint, options, profile, password, registers, text)
        running = COMMANDS[options.command](context) if options.command else chat(context, reactor)
        return run(reactor, running, endless=options.command in ENDLESS)


def _readable(server: tls.Server) -> str:
    """A warning if anybody on the way can read the password, which TLS prevents."""
    try:
        local = ipaddress.ip_address(server.host).is_loopback
    except ValueError:
        local = server.host == "localhost"
    if local or server.tls or server.is_unix:
        return ""
    return f"{server.host} is reached without TLS: anybody on the way can read along (see --tls)"


def run(reactor: Any, command: Coroutine[Any, Any, None], endless: bool) -> int:
    """Run the reactor until the command has ended; -> the exit status, or raises what the command raised.

    Ctrl-C and SIGTERM cancel the command and wait until it has tidied up.
    """
    results: list[object] = []
    ended: Deferred[None] = Deferred()

    def finish(result: object) -> None:
        results.append(result)
        ended.callback(None)

    def stop() -> "Deferred[None]":
        running.cancel()
        return ended

    running = Deferred.fromCoroutine(command)
    if not endless:
        running.addTimeout(ANSWER_SECONDS, reactor, _too_late)
    running.addBoth(finish)
    ended.addCallback(lambda _: reactor.callWhenRunning(_stop, reactor))
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    reactor.run()
    return _status(results[0], endless)


def _stop(reactor: Any) -> None:
    with suppress(ReactorNotRunning):  # a signal has stopped it already
        reactor.stop()


def _too_late(result: object, seconds: float) -> object:
    raise NotConnected(
        NotConnected.LOST, f"no answer within {seconds:.0f} seconds; whether it was done is not known"
    )


def _status(result: object, endless: bool) -> int:
    error = result.value if isinstance(result, Failure) else None
    if error is None:
        return DONE
    if isinstance(error, CancelledError | ConnectingCancelledError):
        return DONE if endless else INTERRUPTED
    raise error
