"""A wire in one file: `login NAME PASSWORD`, then `to NAME TEXT`; messages arrive as `from NAME TEXT`."""

from secrets import token_bytes

from imserver.core.capabilities import Capabilities
from imserver.core.errors import UnreadableRequest
from imserver.core.events import Closing, LoggedIn, MessageArrived, Refused, Sent
from imserver.core.requests import LogIn, SendTo
from imserver.core.values import Kind
from imserver.net.dialect import Dialect
from imserver.net.framed import FramedWire
from imserver.net.framing import LineFraming


class SlateCodec:
    """One line is one frame."""

    def decode(self, frame):
        match frame.decode(errors="replace").split(" ", 2):
            case ["login", name, password]:
                return 1, LogIn(name, password, device="")
            case ["to", name, text]:
                return 1, SendTo(name, token_bytes(16), Kind.TEXT, "", text.encode())
        raise UnreadableRequest(1, "say: login NAME PASSWORD, or: to NAME TEXT")

    def encode(self, event, tag):
        match event:
            case LoggedIn() | Sent():
                return b"ok"
            case Refused(text=text) | Closing(text=text):
                return b"no, " + text.encode()
            case MessageArrived(message=message):
                return b"from %s %s" % (message.sender_name.encode(), b" ".join(message.body.splitlines()))


slate = FramedWire(
    "slate",
    "say to {address}: login NAME PASSWORD",
    Dialect(
        LineFraming,
        SlateCodec(),
        Capabilities(
            "slate",
            acknowledges=False,
            fetches=False,
            groups=False,
            extras=False,
            kinds=frozenset([Kind.TEXT]),
        ),
    ),
)
