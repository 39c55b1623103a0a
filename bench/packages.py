"""The other servers come from Debian; what is missing is installed, and what cannot be is said in a sentence."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


class CannotInstall(Exception):
    """One sentence: what is missing and what to do."""


def install(packages: Iterable[str]) -> None:
    """See to it that every package is there, and that its service does not run.  Raises CannotInstall."""
    missing = [package for package in packages if not _is_installed(package)]
    if not missing:
        return
    names = " ".join(missing)
    apt = shutil.which("apt-get")
    as_root = [] if os.geteuid() == 0 else [shutil.which("sudo") or ""]
    if apt is None or as_root == [""]:
        raise CannotInstall(f"install {names} (needs Debian's apt-get, as root or with sudo)")
    print(f"installing Debian's {names}", flush=True)
    # Debian starts what it installs: not in run level 1, but always where systemd runs.
    set_environment = ["env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive"]
    command = [*as_root, *set_environment, apt, "install", "--yes", "--no-install-recommends", *missing]
    _run([*as_root, apt, "update"])
    if not _run(command):
        raise CannotInstall(f"could not install {names}: see {' '.join(command)}")
    if Path("/run/systemd/system").exists():
        _run([*as_root, "systemctl", "disable", "--now", *missing])


def _is_installed(package: str) -> bool:
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).stdout == b"installed"


def _run(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
