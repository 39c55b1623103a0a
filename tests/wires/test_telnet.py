"""The telnet wire keeps the wire contract."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.net.telnet import MAX_LINE_BYTES
from imserver.wires.telnet import telnet
from tests.contracts.telnet_client import TelnetClient
from tests.contracts.wire import WireContract


class TelnetWireTests(WireContract, SynchronousTestCase):
    """The contract, by lines that people type."""

    dialect = telnet.dialect
    client = TelnetClient
    nonsense = (
        b"GET / HTTP/1.1\r\n",
        b"\0\xfe\xfd\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"msg\n",
        b"login\r\n",
        b"\xff\x01",
        b"\xff\xfa\x27\0USER\x01-f root" + b"x" * 100,
    )
    too_long = b"x" * (MAX_LINE_BYTES + 2)
