"""What the doctor finds."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    FINE = "ok"
    WARNING = "warning"
    WRONG = "WRONG"


@dataclass(slots=True, frozen=True)
class Finding:
    """One sentence: what is so, and if that is not fine, what to do."""

    verdict: Verdict
    sentence: str

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.sentence}"


def fine(sentence: str) -> Finding:
    """As it should be."""
    return Finding(Verdict.FINE, sentence)


def warning(sentence: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(Verdict.WARNING, sentence)


def wrong(sentence: str) -> Finding:
    """The daemon will not start, or lose or give away something."""
    return Finding(Verdict.WRONG, sentence)
