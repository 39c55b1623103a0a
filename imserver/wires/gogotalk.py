"""The gogotalk wire: 24 commands in protobuf, in packets of zinx (docs/wires/gogotalk.md)."""

from functools import partial
from secrets import token_bytes

from imserver.core.capabilities import Capabilities
from imserver.core.events import ContactAdded, ContactRemoved, ContactRequested, PresenceChanged
from imserver.core.values import Kind
from imserver.dialogues.gogotalk.dialogue import GoGoTalk
from imserver.dialogues.gogotalk.options import Options
from imserver.net.dialogue import Dialogues
from imserver.net.framed import FramedWire
from imserver.net.zinx import FRAMINGS, ZinxFraming

CAPABILITIES = Capabilities(
    "gogotalk",
    acknowledges=False,
    fetches=False,
    kinds=frozenset([Kind.RICH]),
    events=frozenset([ContactAdded, ContactRemoved, ContactRequested, PresenceChanged]),
    open_contacts=True,
    lobby=True,
    extras=False,
)


def dialogues(options: Options) -> Dialogues:
    """Those of a listener with these options."""
    return Dialogues(
        FRAMINGS[options.packing],
        partial(GoGoTalk, token_bytes=token_bytes, stock_windows=options.stock_windows),
        CAPABILITIES,
        login_seconds=180.0,  # its client connects before it shows its login window, and is silent until then
        idle_seconds=10.0,  # after that it sends a heartbeat every two seconds
        apart=ZinxFraming.apart,
    )


gogotalk = FramedWire(
    "gogotalk",
    "a GoGoTalk client, or the examples in docs/wires/gogotalk.md, on {address}",
    dialogues(Options()),
    default_endpoint="tcp:127.0.0.1:8999",
    options=Options,
    with_options=dialogues,
)
