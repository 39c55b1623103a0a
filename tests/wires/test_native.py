"""The native wire keeps the wire contract."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.wires.native import native
from tests.contracts.native_client import NativeClient
from tests.contracts.wire import WireContract


class NativeWireTests(WireContract, SynchronousTestCase):
    """The contract, by protobuf frames."""

    dialect = native.dialect
    client = NativeClient
    nonsense = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0\0\0\0",
        b"\0\0\0\1\xff",
        b"\0\0\0\2\x08\x01",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    )
    too_long = b"\0\0\x20\x01"
