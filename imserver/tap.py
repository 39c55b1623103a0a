"""Where the parts meet: `twistd imserver` reads Options and makes the Daemon of them."""

import os
import sys
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.plugin import getPlugins
from twisted.python import usage
from twisted.python.logfile import LogFile
from twisted.python.threadpool import ThreadPool

import imserver.wires
from imserver import process
from imserver.config import Config, ConfigError, Listener, Log, data_folder, load, own_options
from imserver.core.core import Core
from imserver.core.limits import Limits
from imserver.interfaces import IWire
from imserver.logs import LineObserver, StandardLogging, json_line, text_line
from imserver.net.activation import passed, passed_names
from imserver.net.connections import Connections
from imserver.net.drain import Drain
from imserver.net.endpoints import describes_local
from imserver.net.gate import Gate
from imserver.net.lag import LagWatch
from imserver.net.listeners import CannotListen, ListenerOptions, ListeningService
from imserver.net.notify import Notify
from imserver.net.services import OrderedService, Part
from imserver.net.tls import CertificateError, Certificates, located
from imserver.operator.admin_socket import AdminSocket
from imserver.passwords import THREADS, Argon2Passwords
from imserver.store.errors import StoreError
from imserver.store.sqlite import SqliteStore

# Draining comes before and has its own limits; together they stay below the unit's TimeoutStopSec.
STOP_SECONDS = 15.0

reactor: Any = _reactor


class Options(usage.Options):
    """The command line."""

    synopsis = "[options]"
    longdesc = (
        "An instant-messaging daemon.  Without any option it listens on this machine only and keeps its data in "
        "./imserver-data.  Stop it with SIGTERM or Ctrl-C; SIGHUP reloads limits and certificates.  "
        "etc/imserver.toml shows everything that can be configured."
    )
    optParameters = [  # noqa: N815 - Twisted's
        ["config", "c", None, "Read the configuration from this TOML file."],
        ["data", "d", None, "Keep the data in this folder.  [default: $STATE_DIRECTORY or ./imserver-data]"],
    ]

    def __init__(self) -> None:
        super().__init__()
        self._listeners: tuple[Listener, ...] = ()
        self.wires = {wire.name: wire for wire in getPlugins(IWire, imserver.wires)}
        # Asked once, because a listener takes its socket away.
        self._passed = {name: passed(name) for name in passed_names(os.environ)}

    def parseOptions(self, options: Any = None) -> None:
        """Twistd: read the command line.  A slip is one sentence; twistd would put all its options before it."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise SystemExit(f"imserver: {str(error).rstrip('.')}; see twistd imserver --help") from error

    def opt_listen(self, value: str) -> None:
        """WIRE=ENDPOINT, as in native=tcp:127.0.0.1:8890, in place of the configured listeners; repeat it for more."""
        wire, found, endpoint = value.partition("=")
        if not (wire and found and endpoint):
            raise SystemExit(
                f"imserver: --listen {value}: write WIRE=ENDPOINT, as in native=tcp:127.0.0.1:8890"
            )
        self._listeners += (Listener(wire, endpoint),)

    def postOptions(self) -> None:
        """Everything that can be wrong with the configuration is said here, before twistd forks."""
        self._file = Path(self["config"] or "").absolute()  # twistd may go to another folder (--rundir)
        try:
            self.configuration = self.load()
        except ConfigError as error:
            raise SystemExit(f"imserver: {error}") from error

    def load(self) -> Config:
        """The configuration file with what the command line says above it.  Raises ConfigError."""
        wire_options = {name: wire.options for name, wire in self.wires.items()}
        config = load(self._file, wire_options) if self["config"] else Config()
        default = tuple(Listener(wire.name) for wire in self.wires.values() if self._usual_endpoint(wire))
        chosen = tuple(map(self._resolved, self._listeners or config.listeners or default))
        self._check_passed(chosen)
        return replace(config, data=data_folder(self["data"] or "", config, os.environ), listeners=chosen)

    def _usual_endpoint(self, wire: Any) -> str:
        """Where a wire listens unless told otherwise: the socket that systemd passed under its name comes first."""
        return self._passed.get(wire.name) or wire.default_endpoint

    def _resolved(self, listener: Listener) -> Listener:
        wire = self.wires.get(listener.wire)
        if wire is None:
            known = ", ".join(sorted(self.wires))
            raise ConfigError(f'there is no wire "{listener.wire}"; there are: {known}')
        endpoint = listener.endpoint or self._usual_endpoint(wire)
        if not endpoint:
            raise ConfigError(f"the wire {wire.name} has no default endpoint; name one in its listener")
        return replace(listener, endpoint=endpoint)

    def _check_passed(self, listeners: tuple[Listener, ...]) -> None:
        """Who connects to a socket that nobody serves would wait for ever."""
        used = [
            each.endpoint.rpartition(":name=")[2]
            for each in listeners
            if each.endpoint.startswith("systemd:")
        ]
        for name in self._passed:
            if used.count(name) != 1:
                raise ConfigError(
                    f"systemd passed the socket {name}, which needs one listener and has {used.count(name)}; "
                    f"configure one, or run: systemctl disable --now imserver-{name}.socket"
                )


class Daemon(OrderedService):
    """All of it.  Nothing is opened before privilegedStartService, because twistd forks in between."""

    _log = Logger()

    def __init__(self, options: Options) -> None:
        super().__init__(reactor, STOP_SECONDS)
        self._options = options
        self._config = options.configuration
        self._certificates = Certificates()
        self._gate = Gate(reactor, self.limits, process.prepare())
        self._connections = Connections(reactor, self.limits)
        self._notify = Notify(os.environ, reactor, os.getpid())
        self._put_together()

    def limits(self) -> Limits:
        """Those that hold now."""
        return self._config.limits

    def _put_together(self) -> None:
        config = self._config
        self._load_certificates(config)()
        store = self._store = SqliteStore(Path(config.data), reactor, fatal=process.die)
        pool = ThreadPool(0, THREADS, "passwords")
        passwords = Argon2Passwords(reactor, pool, self.limits)
        self._core = Core(
            store, passwords, reactor, _wall_ms, _spawn, config.limits, _is_open(config), token_bytes
        )
        lag = LagWatch(reactor)
        for part in (
            Part("lag", lag.start, lag.stop),
            Part("store", store.open, store.close),
            Part("passwords", pool.start, pool.stop),
            Part("core", self._core.start, self._core.stop),
            AdminSocket(self._core, Path(config.data), reactor),
            self._connections,
        ):
            part.setServiceParent(self)
        wires = [self._wire_service(listener) for listener in config.listeners]
        for service in wires:
            service.setServiceParent(self)
        streams = [service for service in wires if isinstance(service, ListeningService)]
        self._drain = Drain(
            self._core, streams, lambda: self._gate.connections, self._notify, reactor, reactor.stop
        )

    def _wire_service(self, listener: Listener) -> Any:
        wire = self._options.wires[listener.wire]
        options = ListenerOptions(
            wire=wire.name,
            hint=wire.hint,
            tls=self._certificates[listener.tls] if listener.tls else None,
            proxy_from=listener.proxy_from,
            allow_plain=listener.allow_plain,
            limits=self.limits,
            gate=self._gate,
            connections=self._connections,
            reactor=reactor,
            own=own_options(listener, wire.options),
        )
        return wire.make_service(self._core, listener.endpoint, options)

    def setServiceParent(self, parent: Any) -> None:
        """twistd: the application is made; it asks its components for a log observer a moment later."""
        super().setServiceParent(parent)
        observer = _observer(self._config.log, self._options.parent or {})
        if observer is not None:
            parent.setComponent(ILogObserver, observer)

    def privilegedStartService(self) -> None:
        """Open the store, start the core, bind the ports, in this order; raises NotStarted."""
        process.warn_of_root()
        process.warn_of_lifted_limits(self._config.limits.enabled)
        try:
            super().privilegedStartService()
        except (StoreError, CannotListen) as error:
            process.report(str(error))
            self._store.abandon()
            raise process.NotStarted(str(error)) from error
        reactor.callWhenRunning(self._running)

    def _running(self) -> None:
        process.on_signals(reactor, self._drain.request, self._reload)
        process.settle_memory()
        process.dispatch_lightly()
        self._log.info("ready")
        self._notify.ready(self._status())
        self._notify.start_watchdog(self._status, self._store.is_alive)

    def _status(self) -> str:
        core = self._core
        return (
            f"{core.state}, {core.session_count()} sessions, {self._gate.connections} connections, "
            f"messages wait {core.admission.delay * 1000:.0f} ms"
        )

    def _load_certificates(self, config: Config) -> Any:
        return self._certificates.load(
            {
                name: (located(it.cert, os.environ), located(it.key, os.environ))
                for name, it in config.tls.items()
            }
        )

    def _reload(self) -> None:
        self._notify.reloading()
        try:
            config = self._options.load()
            use_certificates = self._load_certificates(config)
        except (ConfigError, CertificateError) as error:
            self._log.error("not reloaded, the old configuration stays: {why}", why=str(error))
        else:
            use_certificates()
            self._core.set_limits(config.limits)
            self._log_unreloadable(config)
            self._config = replace(self._config, limits=config.limits, tls=config.tls)
            self._log.info("reloaded limits and certificates")
        self._notify.ready(self._status())

    def _log_unreloadable(self, config: Config) -> None:
        for key in ("data", "listeners", "registration", "log"):
            if getattr(config, key) != getattr(self._config, key):
                self._log.warn("{key} has changed, which takes a restart", key=key)


def makeService(options: Options) -> Daemon:
    """twistd: the daemon, not started yet.  Raises SystemExit."""
    # Timers must not follow the wall clock; this comes before the first callLater.
    reactor.seconds = time.monotonic
    process.check_libraries()
    try:
        return Daemon(options)
    except CertificateError as error:
        raise SystemExit(f"imserver: {error}") from error


def _is_open(config: Config) -> bool:
    """Whether strangers may register: as configured, or as long as none can connect."""
    if config.registration.open != "auto":
        return config.registration.open
    return all(describes_local(each.endpoint) and not each.proxy_from for each in config.listeners)


def _wall_ms() -> int:
    return int(time.time() * 1000)


def _spawn(coroutine: Coroutine[Any, Any, None]) -> None:
    Deferred.fromCoroutine(coroutine).addErrback(
        lambda failure: Daemon._log.failure("a task failed", failure)
    )


def _observer(log: Log, twistd: Mapping[str, Any]) -> LineObserver | None:
    """Our log in place of twistd's own; None where it goes to syslog."""
    stream = _log_stream(twistd)
    if stream is None:
        return None
    StandardLogging.install()
    text = log.format == "text" or (log.format == "auto" and stream is sys.stdout and stream.isatty())
    return LineObserver(stream, text_line if text else json_line, LogLevel.levelWithName(log.level))


def _log_stream(twistd: Mapping[str, Any]) -> Any:
    name = twistd["logfile"]
    if twistd["syslog"] or (name == "-" and not twistd["nodaemon"]):
        return None  # for twistd to do, or to refuse
    if name == "-" or (not name and twistd["nodaemon"]):
        return sys.stdout
    return LogFile.fromFullPath(name or "twistd.log")
