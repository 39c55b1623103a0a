"""What Tab makes of a line that is being written: /orders at its beginning, @names anywhere, names after an order."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from imserver.client.screen.order import Misuse
from imserver.client.screen.orders import ORDERS, find, is_order


@dataclass(slots=True, frozen=True)
class Completion:
    """The line as far as it is certain, and the choices if there are several."""

    line: str
    choices: tuple[str, ...] = ()


def complete(line: str, names: Iterable[str], groups: Iterable[str]) -> Completion:
    """`line` is what stands before the cursor; without a match it stays as it is."""
    if is_order(line):
        try:
            order, _ = find(line)
        except Misuse:
            return _chosen("", line, [order.words for order in ORDERS])
        if line.strip() == order.words and not line.endswith(" "):
            return _chosen("", line, [order.words for order in ORDERS])
        if order.takes == "groups":
            return _chosen(f"{order.words} ", line.removeprefix(order.words).lstrip(), groups)
        return _last_word(line, names) if order.takes == "names" else Completion(line)
    return _last_word(line, (f"@{name}" for name in names))


def _last_word(line: str, words: Iterable[str]) -> Completion:
    head, space, last = line.rpartition(" ")
    if last.startswith("@"):
        words = (f"@{word.removeprefix('@')}" for word in words)
    elif last == "" and not is_order(line):
        return Completion(line)
    return _chosen(head + space, last, words)


def _chosen(head: str, begun: str, words: Iterable[str]) -> Completion:
    found = sorted(word for word in words if word.lower().startswith(begun.lower()))
    if not found:
        return Completion(head + begun)
    if len(found) == 1:
        return Completion(f"{head}{found[0]} ")
    certain = os.path.commonprefix(found)  # noqa: RUF071, it compares letter by letter, as is wanted
    return Completion(head + max(begun, certain, key=len), tuple(found))
