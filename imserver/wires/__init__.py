"""The wire protocols: plug-ins, one file each; third parties drop theirs into any imserver/wires/ on sys.path."""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))
__all__: list[str] = []
