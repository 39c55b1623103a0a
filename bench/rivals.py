"""ejabberd and Prosody as Debian has them, each on a free loopback port over a folder of its own.

Nobody is slowed down: no TLS, no rate shapers, passwords in the clear, and an Erlang that does not spin while
it waits, which would count as work.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from tests.end_to_end.peer import Address

START_SECONDS = 30.0
STOP_SECONDS = 10.0

_EJABBERD = """\
hosts: [localhost]
loglevel: warning
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, backlog: 1024, max_stanza_size: 262144}}
access_rules:
  anybody: {{allow: all}}
modules:
  mod_offline: {{}}
  mod_register: {{access: anybody, ip_access: all}}
  mod_roster: {{}}
"""
_ARCHIVE = "  mod_mam: {{default: always, db_type: mnesia}}\n"
_ERLANG = (
    *(
        "erl",
        "-noinput",
        "+K",
        "true",
        "+P",
        "250000",
        "+sbwt",
        "none",
        "+sbwtdcpu",
        "none",
        "+sbwtdio",
        "none",
    ),
    *("-mnesia", "dir", '"{folder}/db"', "-s", "ejabberd"),
)
_PROSODY = """\
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
log = {{ warn = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
modules_enabled = {{ "roster", "saslauth", "register" }}
modules_disabled = {{ "s2s" }}
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
VirtualHost "localhost"
"""


@dataclass(slots=True, frozen=True)
class Running:
    """A server's process (it may have children) and where it listens."""

    pid: int
    address: Address


@dataclass(slots=True, frozen=True)
class Rival:
    """A server of Debian's: what it is made of and how it is started; {folder} and {port} are filled in."""

    name: str
    packages: tuple[str, ...]
    file: str
    configuration: str
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @contextmanager
    def serve(self, folder: Path) -> Iterator[Running]:
        """Run it over an empty part of `folder`.  Raises TimeoutError with what it said."""
        own = Path(folder, self.name.replace(" ", "-"))
        own.mkdir()
        address = ("127.0.0.1", _free_port())
        places = {"folder": str(own), "port": address[1]}
        (own / self.file).write_text(self.configuration.format(**places))
        environment = {name: text.format(**places) for name, text in self.environment.items()}
        with (own / "output").open("wb") as output:
            process = subprocess.Popen(
                [word.format(**places) for word in self.command],
                cwd=own,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for(address, own / "output")
            yield Running(process.pid, address)
        finally:
            _end(process)
            shutil.rmtree(own)


def _ejabberd(name: str, configuration: str) -> Rival:
    environment = {
        "EJABBERD_CONFIG_PATH": "{folder}/ejabberd.yml",
        "EJABBERD_LOG_PATH": "{folder}/ejabberd.log",
        "ERL_CRASH_DUMP_BYTES": "0",
        "ERL_LIBS": "/usr/lib/x86_64-linux-gnu",
        "HOME": "{folder}",
    }
    return Rival(name, ("ejabberd",), "ejabberd.yml", configuration, _ERLANG, environment)


EJABBERD = _ejabberd("ejabberd", _EJABBERD)
EJABBERD_WITH_ARCHIVE = _ejabberd("ejabberd with archive", _EJABBERD + _ARCHIVE)
PROSODY = Rival(
    *("prosody", ("prosody",), "prosody.cfg.lua", _PROSODY),
    *(("prosody", "-F", "--config", "{folder}/prosody.cfg.lua"), {}),
)
RIVALS = (EJABBERD, PROSODY, EJABBERD_WITH_ARCHIVE)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def _wait_for(address: Address, output: Path) -> None:
    end = monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(address).close()
        except ConnectionRefusedError:
            if monotonic() > end:
                raise TimeoutError(f"it does not listen:\n{output.read_text(errors='replace')}") from None
            sleep(0.1)
        else:
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
