"""What a codec may do beyond ICodec; it belongs to the seams of imserver/interfaces.py."""

# zope interfaces have no self and no bodies.
# ruff: noqa: N805
# mypy: disable-error-code="empty-body"

from zope.interface import Interface

from imserver.core.run import Run


class IRuns(Interface):
    """Encodes messages in a row with one frame for all of them, which must show everything."""

    def encode_run(run: Run) -> bytes:
        """New messages -> one frame's payload."""

    def encode_sent(run: Run, tag: int) -> bytes:
        """The answer to their sends, whose tags count up from `tag` -> one frame's payload."""
