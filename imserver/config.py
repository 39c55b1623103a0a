"""The configuration: a TOML file becomes frozen dataclasses, or one sentence that says what is wrong with it.

Nothing is guessed: an unknown key, a value of another type or out of range, an empty secret refuse the whole
file, so that a slip of the pen never starts a server with a weaker policy than the one written down.  Every
fault names the file, the line and the key.  etc/imserver.toml documents all keys with their defaults.
"""

import json
import math
import operator
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from difflib import get_close_matches
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from imserver.core.limits import Limits
from imserver.toml_lines import line_of

_TYPES = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}

Network = IPv4Network | IPv6Network
WireOptions = Mapping[str, type | None]
NO_OPTIONS: WireOptions = {}
Level = Literal["debug", "info", "warn", "error", "critical"]
Format = Literal["auto", "json", "text"]


class ConfigError(Exception):
    """One sentence: where the fault is and what would be right."""


@dataclass(slots=True, frozen=True)
class Listener:
    """One [[listeners]] entry; an empty endpoint means the wire's default.  That of a wire with options has them, too."""

    wire: str
    endpoint: str = ""
    tls: str = ""
    proxy_from: tuple[Network, ...] = ()
    allow_plain: bool = False


@dataclass(slots=True, frozen=True)
class CertificateFiles:
    """One [tls.NAME] table: PEM files; `cert` holds the certificate followed by its chain."""

    cert: str
    key: str


@dataclass(slots=True, frozen=True)
class Registration:
    """Who may make an account: everybody, nobody, or (auto) everybody while all listeners are local."""

    open: bool | Literal["auto"] = "auto"


@dataclass(slots=True, frozen=True)
class Log:
    """What is logged and how: JSON lines, text for people, or (auto) text on a terminal only."""

    level: Level = "info"
    format: Format = "auto"


@dataclass(slots=True, frozen=True)
class Config:
    """The whole file; `data` empty: see --data.  Without listeners every wire listens where it does by default."""

    data: str = ""
    listeners: tuple[Listener, ...] = ()
    limits: Limits = field(default_factory=Limits)
    tls: Mapping[str, CertificateFiles] = field(default_factory=dict)
    registration: Registration = field(default_factory=Registration)
    log: Log = field(default_factory=Log)


def load(path: Path, wire_options: WireOptions = NO_OPTIONS) -> Config:
    """Read the file; `wire_options` has, by wire, what its listeners can say besides (IWire).  Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the configuration {path} is not UTF-8, as TOML has to be: {error}") from error
    return parse(text, str(path), wire_options)


def parse(text: str, origin: str, wire_options: WireOptions = NO_OPTIONS) -> Config:
    """Turn the text of a configuration into values; `origin` names it in errors.  Raises ConfigError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: not TOML: {error}") from error
    try:
        config = _converter(wire_options).structure(table, Config)
    except BaseValidationError as error:
        raise _fault(text, origin, *_first_fault(error)) from error
    for path, message in _faults(config):
        raise _fault(text, origin, path, message)
    return config


def data_folder(given: str, config: Config, environment: Mapping[str, str]) -> str:
    """Where the data are: as given on the command line, else configured, else where systemd says, else here."""
    return given or config.data or environment.get("STATE_DIRECTORY", "") or "imserver-data"


def _fault(text: str, origin: str, path: str, message: str) -> ConfigError:
    return ConfigError(f"{origin}, line {line_of(text, path)}: {path or 'the file'}: {message}")


# -- types ---------------------------------------------------------------------------------------------


def _converter(wire_options: WireOptions) -> Converter:
    """Converts nothing silently: cattrs by itself would take "5" for 5 and "false" for true."""
    converter = Converter(forbid_extra_keys=True)
    for kind in (str, bool, int, float):
        converter.register_structure_hook(kind, _exactly(kind))
    for special, structure in (
        (bool | Literal["auto"], _one_of(True, False, "auto")),
        (tuple[Network, ...], _networks),
    ):
        converter.register_structure_hook_func(partial(operator.eq, special), structure)
    converter.register_structure_hook_factory(_is_literal, lambda kind: _one_of(*get_args(kind)))
    kinds = {wire: _listener_with(options) for wire, options in wire_options.items() if options is not None}
    converter.register_structure_hook(Listener, partial(_listener, converter, kinds))
    return converter


def _listener(converter: Converter, kinds: Mapping[str, type[Listener]], table: Any, _: Any) -> Listener:
    kind = kinds.get(table.get("wire"), Listener)
    listener: Listener = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)(table, kind)
    return listener


def _listener_with(options: type) -> type[Listener]:
    added = [(each.name, each.type, field(default=each.default)) for each in fields(options)]
    return make_dataclass("Listener", added, bases=(Listener,), frozen=True)


def own_options(listener: Listener, options: type | None) -> Any:
    """What the listener says besides: its wire's options, or None where the wire has none."""
    if options is None:
        return None
    return options(**{each.name: getattr(listener, each.name, each.default) for each in fields(options)})


def _is_literal(kind: Any) -> bool:
    return bool(Literal == get_origin(kind))


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise ValueError(f"must be {_TYPES[kind]}")
        return value

    return structure


def _one_of(*allowed: object) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        # 1 == True in Python, but not here.
        if not any(type(value) is type(each) and value == each for each in allowed):
            raise ValueError(f"must be one of {', '.join(map(json.dumps, allowed))}")
        return value

    return structure


def _networks(value: Any, _: Any) -> tuple[Network, ...]:
    if type(value) is not list or not all(type(each) is str for each in value):
        raise ValueError('must be a list of networks such as ["10.0.0.0/8"]')
    return tuple(map(ip_network, value))


def _first_fault(error: Exception) -> tuple[str, str]:
    """-> the path of the key, and what is wrong with it."""
    description = transform_error(error, path="", format_exception=_describe)[0]
    message, _, path = description.rpartition(" @ ")
    if unknown := re.match(r"unknown key (.+?);", message):
        path = f"{path}.{unknown[1]}"
    return path.replace("['", ".").replace("']", "").lstrip("."), message


def _describe(error: BaseException, kind: type | None) -> str:
    match error:
        case ForbiddenExtraKeysError():
            return _unknown(min(error.extra_fields), [each.name for each in fields(error.cl)])
        case KeyError():
            return "is missing"
        case ValueError() | OverflowError():
            return str(error)
    return "must be a list of tables ([[...]])" if get_origin(kind) is tuple else "must be a table"


def _unknown(key: str, known: list[str]) -> str:
    similar = get_close_matches(key, known, n=1)
    listed = f"known here: {', '.join(known)}" if len(known) < 10 else "etc/imserver.toml has them all"
    advice = f"did you mean {similar[0]}?" if similar else listed
    return f"unknown key {key}; {advice}"


# -- values --------------------------------------------------------------------------------------------

_NOT_ABOVE = (
    ("max_frame_bytes_before_login", "max_frame_bytes"),
    ("max_frame_bytes_before_login", "max_bytes_before_login"),
    ("max_body_bytes", "max_frame_bytes"),
    ("outbound_soft_bytes", "outbound_hard_bytes"),
    ("outbound_hard_bytes", "max_outbound_bytes"),
    ("min_password_bytes", "max_password_bytes"),
    ("max_unauthenticated", "max_connections"),
    ("ping_seconds", "dead_seconds"),
)

# What the columns of the database hold; a longer value would fail with its whole batch.
_CEILINGS = {
    "max_body_bytes": 1024 * 1024,
    "max_mentions": 150,
    "max_client_id_bytes": 256,
    "max_content_type_chars": 256,
    "max_display_name_chars": 256,
    "max_signature_chars": 1024,
    "max_title_chars": 256,
    "max_announcement_chars": 2048,
    "max_join_text_chars": 1024,
    "max_mute_seconds": 1_000_000_000,
    "max_device_name_chars": 128,
    "max_contact_text_chars": 1024,
    "max_remark_chars": 256,
    "max_category_chars": 256,
}


def _faults(config: Config) -> Iterator[tuple[str, str]]:
    """What is well-formed and still wrong, as (path, message)."""
    yield from _limit_faults(config.limits)
    for name, files in config.tls.items():
        for key in ("cert", "key"):
            if not getattr(files, key):
                yield f"tls.{name}.{key}", "must name a PEM file"
    for n, listener in enumerate(config.listeners):
        if not listener.wire:
            yield f"listeners[{n}].wire", "must name a wire"
        if listener.tls and listener.tls not in config.tls:
            yield f"listeners[{n}].tls", f"there is no table [tls.{listener.tls}]"


def _limit_faults(limits: Limits) -> Iterator[tuple[str, str]]:
    for each in fields(Limits):
        value = getattr(limits, each.name)
        if value is not True and value is not False and not 0 < value < math.inf:
            yield f"limits.{each.name}", "must be above zero and finite"
    for name, ceiling in _CEILINGS.items():
        if getattr(limits, name) > ceiling:
            yield f"limits.{name}", f"must not be above {ceiling}"
    for lower, upper in _NOT_ABOVE:
        if getattr(limits, lower) > getattr(limits, upper):
            yield f"limits.{lower}", f"must not be above {upper}, which is {getattr(limits, upper)}"
