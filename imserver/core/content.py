"""What a message may hold."""

from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits
from imserver.core.requests import Send, SendTo
from imserver.core.values import Kind

_TEXTS = frozenset((int(Kind.TEXT), int(Kind.RICH)))


def check_content(request: Send | SendTo, limits: Limits) -> None:
    """Raises BAD_REQUEST or BODY_TOO_LARGE."""
    body = request.body
    if len(body) > limits.max_body_bytes:
        raise ChatError(Code.BODY_TOO_LARGE, f"a message may have at most {limits.max_body_bytes} bytes")
    if not 0 < len(request.client_id) <= limits.max_client_id_bytes:
        raise ChatError(Code.BAD_REQUEST, f"client_id has 1 to {limits.max_client_id_bytes} bytes")
    if request.kind not in _TEXTS:
        _check_opaque(request, limits)
        return
    if request.content_type:
        raise ChatError(Code.BAD_REQUEST, "only an opaque message has a content type")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ChatError(Code.BAD_REQUEST, "a text is UTF-8") from None
    if b"\0" in body:
        raise ChatError(Code.BAD_REQUEST, "a text has no U+0000")


def _check_opaque(request: Send | SendTo, limits: Limits) -> None:
    if request.kind != Kind.OPAQUE:
        raise ChatError(Code.BAD_REQUEST, "kind is 1 (text), 2 (rich text) or 3 (opaque)")
    content_type = request.content_type
    if not 0 < len(content_type) <= limits.max_content_type_chars or not content_type.isprintable():
        raise ChatError(Code.BAD_REQUEST, "an opaque message names its content type")
