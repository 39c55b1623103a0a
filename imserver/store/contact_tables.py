"""The tables of contact_rules.py in SQLite."""

import apsw

_EXISTS = "SELECT 1 FROM accounts WHERE number = ? AND deleted_ms = 0"
_IS_OPEN = "SELECT 1 FROM accounts WHERE number = ? AND open_to_contacts = 1"
_ARE_CONTACTS = "SELECT 1 FROM contacts WHERE owner = ? AND account = ?"
_CONTACT_COUNT = "SELECT count(*) FROM contacts WHERE owner = ?"
_ADD_CONTACTS = "INSERT INTO contacts (owner, account) VALUES (?1, ?2), (?2, ?1)"
_REMOVE_CONTACTS = "DELETE FROM contacts WHERE (owner, account) IN (VALUES (?1, ?2), (?2, ?1))"
_REFUSED_MS = "SELECT refused_ms FROM contact_requests WHERE target = ? AND asker = ?"
_WAITING_COUNT = "SELECT count(*) FROM contact_requests WHERE target = ? AND refused_ms = 0"
_PUT_REQUEST = """
    INSERT OR REPLACE INTO contact_requests (target, asker, text, time_ms, refused_ms) VALUES (?, ?, ?, ?, ?)"""
_REFUSE = "UPDATE contact_requests SET refused_ms = ? WHERE target = ? AND asker = ? AND refused_ms = 0"
_REMOVE_REQUEST = "DELETE FROM contact_requests WHERE target = ? AND asker = ?"
_FORGET_REFUSED = "DELETE FROM contact_requests WHERE target = ? AND refused_ms BETWEEN 1 AND ? - 1"
_IS_BLOCKED = "SELECT 1 FROM blocks WHERE owner = ? AND account = ?"
_BLOCK_COUNT = "SELECT count(*) FROM blocks WHERE owner = ?"
_BLOCKED_BETWEEN = "SELECT account FROM blocks WHERE (owner, account) IN (VALUES (?1, ?2), (?2, ?1))"
_ADD_BLOCK = "INSERT INTO blocks (owner, account) VALUES (?, ?)"
_REMOVE_BLOCK = "DELETE FROM blocks WHERE owner = ? AND account = ?"
_FORGET_ACCOUNT = """
    DELETE FROM contacts WHERE account = :account AND owner IN (SELECT account FROM contacts WHERE owner = :account);
    DELETE FROM contacts WHERE owner = :account;
    DELETE FROM contact_requests WHERE target = :account;
    DELETE FROM contact_requests WHERE asker = :account;
    DELETE FROM blocks WHERE owner = :account;
    DELETE FROM blocks WHERE account = :account"""


class SqliteContactTables:
    """contact_rules.ContactTables, inside a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def exists(self, number: int) -> bool:
        return self._connection.execute(_EXISTS, (number,)).get is not None

    def is_open(self, number: int) -> bool:
        return self._connection.execute(_IS_OPEN, (number,)).get is not None

    def are_contacts(self, one: int, other: int) -> bool:
        return self._connection.execute(_ARE_CONTACTS, (one, other)).get is not None

    def contact_count(self, account: int) -> int:
        return int(self._connection.execute(_CONTACT_COUNT, (account,)).get)

    def add_contacts(self, one: int, other: int) -> None:
        self._connection.execute(_ADD_CONTACTS, (one, other))

    def remove_contacts(self, one: int, other: int) -> None:
        self._connection.execute(_REMOVE_CONTACTS, (one, other))

    def refused_ms(self, target: int, asker: int) -> int | None:
        found: int | None = self._connection.execute(_REFUSED_MS, (target, asker)).get
        return found

    def waiting_count(self, target: int) -> int:
        return int(self._connection.execute(_WAITING_COUNT, (target,)).get)

    def put_request(self, target: int, asker: int, text: str, time_ms: int, refused_ms: int) -> None:
        self._connection.execute(_PUT_REQUEST, (target, asker, text, time_ms, refused_ms))

    def refuse_request(self, target: int, asker: int, refused_ms: int) -> None:
        self._connection.execute(_REFUSE, (refused_ms, target, asker))

    def remove_request(self, target: int, asker: int) -> None:
        self._connection.execute(_REMOVE_REQUEST, (target, asker))

    def forget_refused(self, target: int, before_ms: int) -> None:
        self._connection.execute(_FORGET_REFUSED, (target, before_ms))

    def is_blocked(self, owner: int, account: int) -> bool:
        return is_blocked(self._connection, owner, account)

    def block_count(self, owner: int) -> int:
        return int(self._connection.execute(_BLOCK_COUNT, (owner,)).get)

    def add_block(self, owner: int, account: int) -> None:
        self._connection.execute(_ADD_BLOCK, (owner, account))

    def remove_block(self, owner: int, account: int) -> None:
        self._connection.execute(_REMOVE_BLOCK, (owner, account))


def is_blocked(connection: apsw.Connection, owner: int, account: int) -> bool:
    """Whether the owner has blocked the account."""
    return connection.execute(_IS_BLOCKED, (owner, account)).get is not None


def blocked_between(connection: apsw.Connection, one: int, other: int) -> frozenset[int]:
    """Which of the two the other one has blocked."""
    return frozenset(number for (number,) in connection.execute(_BLOCKED_BETWEEN, (one, other)))


def forget_account(connection: apsw.Connection, account: int) -> None:
    """Its contacts, its requests and blocks, and those of others about it."""
    connection.execute(_FORGET_ACCOUNT, {"account": account})
