"""What a message may hold."""

from imserver.core.errors import ChatError, Code
from imserver.core.extras import check_extra
from imserver.core.limits import Limits
from imserver.core.requests import Forward, Send, SendTo
from imserver.core.values import Kind

_TEXTS = frozenset((int(Kind.TEXT), int(Kind.RICH)))


def check_content(request: Send | SendTo, limits: Limits) -> None:
    """Raises BAD_REQUEST or BODY_TOO_LARGE."""
    body = request.body
    if len(body) > limits.max_body_bytes:
        raise ChatError(Code.BODY_TOO_LARGE, f"a message may have at most {limits.max_body_bytes} bytes")
    if not 0 < len(request.client_id) <= limits.max_client_id_bytes:
        raise _bad_client_id(limits)
    if request.extra is not None:
        check_extra(request.kind, request.extra, limits)
    if request.kind not in _TEXTS and not _is_text(request, limits):
        return
    if request.content_type:
        raise ChatError(Code.BAD_REQUEST, "only an opaque message has a content type")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ChatError(Code.BAD_REQUEST, "a text is UTF-8") from None
    if b"\0" in body:
        raise ChatError(Code.BAD_REQUEST, "a text has no U+0000")


def check_forward(request: Forward, limits: Limits) -> None:
    """Raises BAD_REQUEST."""
    if not 0 < len(request.client_id) <= limits.max_client_id_bytes:
        raise _bad_client_id(limits)


def _bad_client_id(limits: Limits) -> ChatError:
    return ChatError(Code.BAD_REQUEST, f"client_id has 1 to {limits.max_client_id_bytes} bytes")


def _is_text(request: Send | SendTo, limits: Limits) -> bool:
    """Whether a message of one of the rarer kinds is one; what is none is checked."""
    match request.kind:
        case Kind.OPAQUE:
            _check_opaque(request, limits)
            return False
        case Kind.EDIT | Kind.RECALL if request.extra is None or not request.extra.about:
            raise ChatError(Code.BAD_REQUEST, "extra.about names the message that it is about")
        case Kind.RECALL | Kind.ATTENTION if request.body or request.content_type:
            raise ChatError(Code.BAD_REQUEST, "a message of that kind says nothing")
        case Kind.EDIT | Kind.RECALL | Kind.ATTENTION:
            return request.kind == Kind.EDIT
    raise ChatError(
        Code.BAD_REQUEST,
        "kind is 1 (text), 2 (rich text), 3 (opaque), 6 (edit), 7 (recall) or 8 (call for attention)",
    )


def _check_opaque(request: Send | SendTo, limits: Limits) -> None:
    content_type = request.content_type
    if not 0 < len(content_type) <= limits.max_content_type_chars or not content_type.isprintable():
        raise ChatError(Code.BAD_REQUEST, "an opaque message names its content type")
