"""imadmin doctor: looks at a configuration, a data folder and the machine, with or without a daemon on them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from imserver.admin import configuration_checks, folder_checks, machine_checks
from imserver.admin.configured import read
from imserver.admin.console import Console
from imserver.admin.errors import AdminError
from imserver.admin.finding import Finding, wrong
from imserver.config import Config, ConfigError, data_folder


def examine(configuration: str, data: str, environment: Mapping[str, str]) -> list[Finding]:
    """Everything that was looked at.  `configuration` and `data` are as on the command line."""
    return list(_examine(configuration, data, environment))


def _examine(configuration: str, data: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    config = Config()
    try:
        config = read(configuration)
    except ConfigError as error:
        yield wrong(str(error))
        if not data:
            return  # which folder it would have named is not known
    folder = Path(data_folder(data, config, environment))
    yield from configuration_checks.examine(config, folder)
    yield from folder_checks.examine(folder)
    yield from machine_checks.examine(folder, config.limits, _daemon(folder))


def _daemon(folder: Path) -> int:
    """The process of the daemon that answers at the folder's socket; 0: none does."""
    try:
        with Console(folder) as console:
            return console.daemon_pid
    except AdminError:
        return 0
