"""Extras as the column of that name has them: a JSON object of what is not as usual."""

import json
from dataclasses import fields

from imserver.core.values import Extra


def encoded(extra: Extra) -> str:
    """For the database."""
    values = {field.name: getattr(extra, field.name) for field in fields(Extra)}
    return json.dumps({name: value for name, value in values.items() if value}, separators=(",", ":"))


def decoded(stored: bytes) -> Extra:
    """Of what encoded() gave; a row's checksum says whether it is that."""
    return Extra(**json.loads(stored))
