"""Long lists are given out in pages, each after the last id of the one before."""

from collections.abc import Sequence

from imserver.core.limits import Limits


def size(wanted: int, limits: Limits) -> int:
    """How many items a page has when so many are wanted; 0: as many as it can have."""
    return min(wanted or limits.page_items, limits.page_items)


def next_after(ids: Sequence[int], page: int) -> int:
    """After which id the next page starts; 0 if this one, with these ids, was the last."""
    return ids[-1] if len(ids) == page else 0
