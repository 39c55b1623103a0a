"""The generated modules are those of the .proto files, so that what the tests say of them holds for what people read."""

import re
from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor, FileDescriptor
from twisted.trial.unittest import SynchronousTestCase

from imserver.proto import gogotalk_pb2, native_pb2
from tests.architecture import ROOT

_MESSAGE = re.compile(r"^message (\w+) \{(.*?)\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"(repeated )?(\w+) (\w+) = (\d+);")
_SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("int32", "int64", "uint32", "uint64", "string", "bytes", "bool")
}
Fields = dict[str, set[tuple[str, str, str, str]]]  # message -> (repeated, type, name, number) of each


def written(proto: Path) -> Fields:
    """As people read them."""
    text = re.sub(r" *//.*", "", proto.read_text())
    return {name: set(_FIELD.findall(body)) for name, body in _MESSAGE.findall(text)}


def generated(module: FileDescriptor) -> Fields:
    """As the programs have them."""
    return {
        name: {
            (
                "repeated " if field.is_repeated else "",
                field.message_type.name if field.message_type else _SCALARS[field.type],
                field.name,
                str(field.number),
            )
            for field in message.fields
        }
        for name, message in module.message_types_by_name.items()
    }


class ProtoFileTests(SynchronousTestCase):
    def test_same(self) -> None:
        """Every message with every field, its type and its number."""
        for module in (native_pb2, gogotalk_pb2):
            descriptor = module.DESCRIPTOR
            self.assertEqual(written(ROOT / descriptor.name), generated(descriptor), descriptor.name)
