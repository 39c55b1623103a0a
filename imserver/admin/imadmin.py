"""imadmin, the operator's command: asks the daemon, or works on files itself, and ends with the right exit status."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from imserver.admin import certificate, doctor
from imserver.admin.arguments import Options, parse
from imserver.admin.configured import read
from imserver.admin.console import Console
from imserver.admin.errors import AdminError, NoDaemon, UsageError
from imserver.admin.finding import Verdict
from imserver.client import questions, terminal
from imserver.config import ConfigError, data_folder
from imserver.store import soundness
from imserver.store.backup import back_up
from imserver.store.errors import StoreError
from imserver.store.folder import DATABASE
from imserver.store.restore import restore

DONE, REFUSED, USAGE, NO_DAEMON, INTERRUPTED = 0, 1, 2, 3, 130
_BACKGROUND = 10  # niceness of what may take long beside a daemon


def main() -> None:
    """The console script."""
    os.umask(0o077)
    try:
        status = _run(parse(sys.argv[1:]))
    except (UsageError, questions.UsageError) as error:
        status = _complain(str(error), USAGE)
    except NoDaemon as error:
        status = _complain(str(error), NO_DAEMON)
    except (AdminError, StoreError, ConfigError) as error:
        status = _complain(str(error), REFUSED)
    except PermissionError as error:
        status = _complain(
            f"{error.filename} cannot be opened ({error.strerror}): run imadmin as root, or as the daemon's user",
            REFUSED,
        )
    except (KeyboardInterrupt, EOFError):
        status = INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = DONE
    sys.exit(status)


def _complain(sentence: str, status: int) -> int:
    sys.stderr.write(f"imadmin: {terminal.visible(sentence)}\n")
    return status


def _run(options: Options) -> int:
    if options.command == "doctor":  # which has its own words for a bad configuration
        return _doctor(options)
    for line in _OWN.get(options.command, _ask)(options):
        print(terminal.visible(line))
    return DONE


def _folder(options: Options) -> Path:
    return Path(data_folder(options.data, read(options.config), os.environ))


# -- what the daemon does


def _ask(options: Options) -> Iterator[str]:
    password = _password(options)
    with Console(_folder(options)) as console:
        yield from console.ask(options.line, password)


def _password(options: Options) -> str:
    """Empty: the daemon makes one."""
    if options.password_file and options.prompt:
        raise UsageError("--password-file and --prompt exclude each other")
    if options.password_file:
        return questions.password_in(options.password_file)
    if not options.prompt:
        return ""
    if not terminal.is_terminal():
        raise UsageError("nobody can be asked for a password here; use --password-file")
    return terminal.ask_new_password()


# -- what needs no daemon


def _backup(options: Options) -> Iterator[str]:
    os.nice(_BACKGROUND)
    source = _folder(options) / DATABASE
    if not source.exists():
        raise AdminError(f"there is no database in {source.parent}: name the data folder with --data")
    back_up(source, options.file.absolute())
    yield f"{options.file} holds everything up to this moment, and has been verified"


def _verify(options: Options) -> Iterator[str]:
    soundness.check_readable(options.file)
    faults = soundness.faults(options.file)
    if faults:
        raise AdminError(f"{options.file} is damaged: {'; '.join(faults)}")
    yield f"{options.file} is sound"


def _restore(options: Options) -> Iterator[str]:
    folder = _folder(options)
    restore(options.file, folder, secrets.randbits)
    yield f"{folder} is restored; start the daemon, and clients fetch everything anew"


def _certificate(options: Options) -> Iterator[str]:
    fingerprint = certificate.make(options.names, options.days, options.cert, options.key, certificate.now())
    yield f"{options.cert} and {options.key} are made; the daemon's user must be able to read them"
    yield f"SHA-256 fingerprint: {fingerprint}"
    yield f"for clients: imchat --fingerprint {fingerprint}, or imchat --ca with a copy of {options.cert}"


def _doctor(options: Options) -> int:
    findings = doctor.examine(options.config, options.data, os.environ)
    for finding in findings:
        print(terminal.visible(str(finding)))
    return REFUSED if any(finding.verdict is Verdict.WRONG for finding in findings) else DONE


_OWN: dict[str, Callable[[Options], Iterator[str]]] = {
    "backup": _backup,
    "verify": _verify,
    "restore": _restore,
    "certificate": _certificate,
}
