"""What a gogotalk listener can say besides what all can."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True, frozen=True)
class Options:
    """`stock_windows`: the original client shows a chat only in the window of its ToUserID, and not what it sent itself; so ToUserID names the other side, and what was sent comes back.

    `packing`: that of zinx before 2023, that since, or that of the first packet.
    """

    stock_windows: bool = False
    packing: Literal["auto", "ltv", "tlv"] = "auto"
