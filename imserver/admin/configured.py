"""The configuration as the daemon reads it, with the options that its wires add to their listeners."""

from pathlib import Path

from twisted.plugin import getPlugins

import imserver.wires
from imserver.config import Config, load
from imserver.interfaces import IWire


def read(path: str) -> Config:
    """The file, or what holds without one if `path` is empty.  Raises ConfigError."""
    wire_options = {wire.name: wire.options for wire in getPlugins(IWire, imserver.wires)}
    return load(Path(path), wire_options) if path else Config()
