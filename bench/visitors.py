"""People who come online, look at their contacts and are told who comes after them."""

from bench.ends import NativeEnd
from bench.load import BrokenPromise, Line
from bench.prepare import token
from imserver.core.requests import ListContacts, LogInWithToken
from imserver.core.values import State
from imserver.proto.native_pb2 import ServerFrame


class Visitor(NativeEnd):
    """The n-th prepared account on a new line; nothing here waits."""

    def __init__(self, line: Line, n: int) -> None:
        super().__init__(line)
        self.events = 0
        self._online = set[int]()
        self.tell(LogInWithToken(token(n)))

    def sees(self, contacts: int) -> bool:
        """Whether exactly that many contacts are there, as far as it has been told."""
        return len(self._online) == contacts

    def _event(self, kind: str | None, frame: ServerFrame) -> None:
        self.events += 1
        if kind == "logged_in":
            self.tell(ListContacts(0, 0))
        elif kind == "contact_list":
            for contact in frame.contact_list.contacts:
                self._note(contact.account.number, contact.presence.state)
        elif kind == "presence_changed":
            for change in frame.presence_changed.changes:
                self._note(change.account, change.presence.state)
        else:
            raise BrokenPromise(f"a visitor is told {frame}")

    def _note(self, account: int, state: int) -> None:
        if state == State.OFFLINE:
            self._online.discard(account)
        else:
            self._online.add(account)
