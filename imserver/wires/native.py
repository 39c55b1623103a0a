"""The native wire: everything the core can do, as protobuf in length-prefixed frames (docs/wires/native.md)."""

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.capabilities import Capabilities
from imserver.net.dialect import Dialect
from imserver.net.framed import FramedWire
from imserver.net.framing import Int32Framing

native = FramedWire(
    "native",
    "imchat --server {address}{tls}",
    Dialect(Int32Framing, ProtobufCodec(), Capabilities("native")),
    default_endpoint="tcp:127.0.0.1:8890",
)
