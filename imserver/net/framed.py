"""A framed wire: all that a wire's file has to call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.application.service import IService
from twisted.plugin import IPlugin
from zope.interface import implementer

from imserver.core.core import Core
from imserver.interfaces import IWire
from imserver.net.connecting import ConnectionFactory
from imserver.net.dialect import Dialect
from imserver.net.dialogue import Dialogues
from imserver.net.listeners import ListenerOptions, ListeningService


@implementer(IPlugin, IWire)
@dataclass(frozen=True)
class FramedWire:
    """A plug-in that serves a dialect, with everything every listener has: TLS, PROXY, limits.

    A wire whose listeners have `options` of their own makes the dialect of them (`with_options`).
    """

    name: str
    hint: str
    dialect: Dialect | Dialogues
    default_endpoint: str = ""
    options: type | None = None
    with_options: Callable[[Any], Dialect | Dialogues] | None = None

    def make_service(self, core: Core, endpoint: str, options: ListenerOptions) -> IService:
        """Listen for clients of this wire."""
        dialect = self.with_options(options.own) if self.with_options is not None else self.dialect
        factory = ConnectionFactory(
            core, dialect, options.gate, options.connections, options.limits, options.reactor
        )
        return ListeningService(factory, endpoint, options)
