"""The three kinds of trouble and the one table of stable codes.

A `ChatError` refuses a request and the connection goes on.  A `WireError` says the peer broke its protocol
and the connection is closed.  Everything else is our own bug.
"""

from enum import StrEnum

from imserver.core.notices import moment


class Code(StrEnum):
    """Stable names of refusals and of reasons to close; each wire maps them to its own numbers."""

    # refusals
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    ALREADY_LOGGED_IN = "ALREADY_LOGGED_IN"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    REGISTRATION_CLOSED = "REGISTRATION_CLOSED"
    NAME_TAKEN = "NAME_TAKEN"
    BAD_NAME = "BAD_NAME"
    BAD_PASSWORD = "BAD_PASSWORD"
    BAD_REQUEST = "BAD_REQUEST"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    NOT_MEMBER = "NOT_MEMBER"
    LIMIT_REACHED = "LIMIT_REACHED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    RETRY_AFTER = "RETRY_AFTER"
    TRY_LATER = "TRY_LATER"
    CLIENT_ID_REUSED = "CLIENT_ID_REUSED"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    REQUEST_TOO_OLD = "REQUEST_TOO_OLD"
    FENCED = "FENCED"
    UNAVAILABLE_STORAGE = "UNAVAILABLE_STORAGE"
    UNKNOWN_RETRY = "UNKNOWN_RETRY"
    INTERNAL = "INTERNAL"
    # reasons to close
    PROTOCOL_ERROR = "PROTOCOL_ERROR"
    FRAME_TOO_LARGE = "FRAME_TOO_LARGE"
    TOO_SLOW = "TOO_SLOW"
    LOGIN_TIMEOUT = "LOGIN_TIMEOUT"
    TOO_MANY_REFUSALS = "TOO_MANY_REFUSALS"
    REPLACED = "REPLACED"
    REVOKED = "REVOKED"
    LOGGED_OUT = "LOGGED_OUT"
    STOPPING = "STOPPING"


ACCOUNT_FROZEN = "the operator of this server has frozen this account; ask there"


class ChatError(Exception):
    """A refusal: `code` for programs, `text` for people (what would be right), `retry_after_ms` if waiting helps."""

    def __init__(self, code: Code, text: str, retry_after_ms: int = 0) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.retry_after_ms = retry_after_ms


def not_invited() -> ChatError:
    """The refusal of a registration by a code that is none, or is used up, or has expired."""
    return ChatError(
        Code.REGISTRATION_CLOSED, "that invitation is not valid, or not any more; ask for another"
    )


def nobody_left() -> ChatError:
    """The refusal of a message to somebody whose account does not exist any more."""
    return ChatError(
        Code.NOT_FOUND, "the other account does not exist any more; what was said stays readable"
    )


def muted(until_ms: int) -> ChatError:
    """The refusal of a message of somebody who may read and not write."""
    return ChatError(Code.FORBIDDEN, f"you are muted until {moment(until_ms)}")


class WireError(Exception):
    """The peer broke its protocol; `code` is a reason to close."""

    def __init__(self, text: str, code: Code = Code.PROTOCOL_ERROR) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class UnreadableRequest(ChatError):
    """A refusal of what a codec could not turn into a request, though it could read the tag."""

    def __init__(self, tag: int, text: str) -> None:
        super().__init__(Code.BAD_REQUEST, text)
        self.tag = tag
