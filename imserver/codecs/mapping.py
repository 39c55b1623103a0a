"""A dataclass and the protobuf message of the same field names, turned into each other.

The plan for a class is made once from its annotations.  This is the general way; codecs/protobuf.py does the
few values of the hot path by hand.
"""

import types
import typing
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from functools import cache
from typing import Any

from google.protobuf.message import Message as Protobuf

MAX_INTEGER = 2**63 - 1
MAX_ELEMENTS = 1_000

Reader = Callable[[Protobuf], Any]
Writer = Callable[[Protobuf, Any], None]


class OutOfRange(ValueError):
    """An integer over 2**63 - 1, a list of over 1,000 elements, or an unknown value of an enumeration."""


def snake_case(name: str) -> str:
    """MarkDelivered -> mark_delivered."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def read(kind: type, message: Protobuf) -> Any:
    """The value that the message carries; raises OutOfRange."""
    return kind(*[reader(message) for reader in _readers(kind)])


def write(message: Protobuf, value: Any) -> None:
    """Fill the empty message from the value."""
    for writer in _writers(type(value)):  # type: ignore[arg-type]
        writer(message, value)


@cache
def _readers(kind: Any) -> list[Reader]:
    hints = typing.get_type_hints(kind)
    return [_reader(field.name, hints[field.name]) for field in fields(kind)]


@cache
def _writers(kind: Any) -> list[Writer]:
    hints = typing.get_type_hints(kind)
    return [_writer(field.name, hints[field.name]) for field in fields(kind)]


def _reader(name: str, hint: Any) -> Reader:
    element = _element(hint)
    if element is not None:
        convert, sequence = _converter(element), typing.get_origin(hint)
        return lambda message: sequence(convert(one) for one in bounded(getattr(message, name)))
    optional = _optional(hint)
    if optional is not None:
        convert = _converter(optional)
        return lambda message: convert(getattr(message, name)) if message.HasField(name) else None
    convert = _converter(hint)
    return lambda message: convert(getattr(message, name))


def _writer(name: str, hint: Any) -> Writer:
    element = _element(hint)
    if element is not None:
        return _list_writer(name, element)
    if _is_value(_optional(hint) or hint):
        return _value_writer(name)
    return lambda message, value: setattr(message, name, getattr(value, name))


def _list_writer(name: str, element: Any) -> Writer:
    def write_values(message: Protobuf, value: Any) -> None:
        repeated = getattr(message, name)
        for one in getattr(value, name):
            write(repeated.add(), one)

    def write_scalars(message: Protobuf, value: Any) -> None:
        getattr(message, name).extend(getattr(value, name))

    return write_values if _is_value(element) else write_scalars


def _value_writer(name: str) -> Writer:
    def write_value(message: Protobuf, value: Any) -> None:
        nested = getattr(value, name)
        if nested is not None:
            inner = getattr(message, name)
            inner.SetInParent()
            write(inner, nested)

    return write_value


def _converter(hint: Any) -> Callable[[Any], Any]:
    if _is_value(hint):
        return lambda message: read(hint, message)
    if hint is int:
        return integer
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return lambda number: _member(hint, number)
    return lambda value: value


def integer(value: int) -> int:
    if value > MAX_INTEGER:
        raise OutOfRange("an integer is over 2**63 - 1")
    return value


def _member(kind: type[IntEnum], number: int) -> IntEnum:
    try:
        return kind(number)
    except ValueError:
        raise OutOfRange(f"there is no {kind.__name__} {number}") from None


def bounded(elements: Any) -> Any:
    if len(elements) > MAX_ELEMENTS:
        raise OutOfRange(f"a list may have at most {MAX_ELEMENTS} elements")
    return elements


def _is_value(hint: Any) -> bool:
    return hasattr(hint, "__dataclass_fields__")


def _element(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (list, tuple) else None


def _optional(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(one for one in typing.get_args(hint) if one is not type(None))
    return None
