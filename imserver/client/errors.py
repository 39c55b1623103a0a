"""What can go wrong for a program that uses the client library."""

from imserver.core.errors import Code

MAX_PATIENCE_SECONDS = 60.0
UNKNOWN_RETRY_SECONDS = 1.0


class ClientError(Exception):
    """`code` for programs (core/errors.py), `text` for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class RequestRefused(ClientError):
    """The server refused the request; `retry_after_ms` is 0 unless waiting helps."""

    def __init__(self, code: str, text: str, retry_after_ms: int = 0) -> None:
        super().__init__(code, text)
        self.retry_after_ms = retry_after_ms

    @property
    def wait_seconds(self) -> float:
        """After how long the library itself asks again; 0: the refusal stands, or would stand for too long to wait."""
        if self.code == Code.UNKNOWN_RETRY:
            return max(self.retry_after_ms / 1000, UNKNOWN_RETRY_SECONDS)
        seconds = self.retry_after_ms / 1000
        return seconds if seconds <= MAX_PATIENCE_SECONDS else 0.0


class NotConnected(ClientError):
    """The server cannot be reached, or was lost before it answered: whether the request was done is not known.

    `code` is the server's reason to close (a core.errors.Code), or one of the three below.
    """

    UNREACHABLE = "UNREACHABLE"
    LOST = "LOST"
    CLOSED = "CLOSED"  # by this program


class QueueFull(ClientError):
    """More is waiting for the server than the library keeps; wait for answers before asking more."""

    def __init__(self, text: str) -> None:
        super().__init__("QUEUE_FULL", text)


class StateError(ClientError):
    """What the device keeps between runs cannot be read, written or shared; `text` says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__("STATE", text)
