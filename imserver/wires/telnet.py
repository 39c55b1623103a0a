"""The telnet wire: chatting by lines, with telnet, nc or a few lines of shell (docs/wires/telnet.md)."""

from imserver.core.capabilities import Capabilities
from imserver.core.values import Kind
from imserver.dialogues.telnet.dialogue import TelnetDialogue
from imserver.dialogues.telnet.news import SHOWN
from imserver.net.dialogue import Dialogues
from imserver.net.framed import FramedWire
from imserver.net.telnet import TelnetFraming

telnet = FramedWire(
    "telnet",
    "say to {address} with telnet or nc: help",
    Dialogues(
        TelnetFraming,
        TelnetDialogue,
        Capabilities(
            "telnet",
            acknowledges=False,
            fetches=False,
            kinds=frozenset([Kind.TEXT, Kind.NOTICE]),
            events=SHOWN,
            extras=False,
        ),
        login_seconds=180.0,
        idle_seconds=1800.0,
    ),
    default_endpoint="tcp:127.0.0.1:8888",
)
