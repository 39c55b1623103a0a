"""Whom a gogotalk client's chats go to: the ToUserIDs it has used, and the conversations behind them."""

from imserver.core.values import LOBBY, Conversation
from imserver.net.projection import group_name

LOBBY_ID = "SystemGroupChat"  # the one group that its clients have a window for
FIRST_TAG = 256  # below it the tag of a refusal is the command that was refused
MAX_ROUTES = 256
_LOBBY_ADDRESS = f"*{LOBBY}"


class Route:
    """One ToUserID; sends to it are asked under `tag`.

    `address` is what the core calls it, `conversation` is 0 until it is known.
    """

    __slots__ = ("address", "conversation", "tag", "to")

    def __init__(self, to: str, tag: int) -> None:
        self.to = to
        self.tag = tag
        self.address = _LOBBY_ADDRESS if to == LOBBY_ID else to
        self.conversation = 0


class Routes:
    """Those of one connection; the oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_name: dict[str, Route] = {}
        self._by_tag: dict[int, Route] = {}
        self._next_tag = FIRST_TAG

    def to(self, name: str) -> Route:
        """The route to that ToUserID."""
        return self._by_name.get(name) or self._add(name)

    def tagged(self, tag: int) -> Route | None:
        """The route whose tag it is, if it is still known."""
        return self._by_tag.get(tag)

    def _add(self, name: str) -> Route:
        if len(self._by_name) >= MAX_ROUTES:
            oldest = self._by_name.pop(next(iter(self._by_name)))
            del self._by_tag[oldest.tag]
        route = self._by_name[name] = self._by_tag[self._next_tag] = Route(name, self._next_tag)
        self._next_tag += 1
        return route


def group_id(group: Conversation) -> str:
    """What a group is called here."""
    return LOBBY_ID if group.number == LOBBY else group_name(group)
