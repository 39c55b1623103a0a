"""The directory: accounts that want to be found, by the beginning of their name or by number."""

from typing import TYPE_CHECKING

from imserver.core import names, pages
from imserver.core.events import AccountList, Done, PrivacySettings
from imserver.core.requests import FetchPrivacy, Search, SetPrivacy
from imserver.core.values import Privacy

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session


class Directory:
    """Who knows a name or number exactly finds everybody (LookUp); this is for those who do not."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    async def search(self, session: "Session", request: Search) -> AccountList:
        """A page of it; the text is compared as names are."""
        page = pages.size(request.limit, self._core.limits)
        text = names.fold(request.text.strip())
        found = await self._core.store.search(text, request.after, page)
        return AccountList(found, pages.next_after([account.number for account in found], page))

    async def set_privacy(self, session: "Session", request: SetPrivacy) -> Done:
        """Who may find the account, and who becomes its contact."""
        privacy = Privacy(request.findable, request.open_to_contacts)
        await self._core.store.set_privacy(session.number, privacy)
        self._core.router.tell_others(session, PrivacySettings(privacy))
        return Done()

    async def fetch_privacy(self, session: "Session", request: FetchPrivacy) -> PrivacySettings:
        """As it was set."""
        return PrivacySettings(await self._core.store.privacy(session.number))
