"""What a new direct conversation requires, the same in every store."""

from imserver.core.errors import ChatError, Code
from imserver.core.values import Account
from imserver.store.group_tables import Tables

UNLIMITED = 2**31  # conversations of the account that speaks for the server


def check_direct(tables: Tables, asker: int, other: int, max_conversations: int) -> tuple[Account, Account]:
    """-> both accounts, by number; raises NOT_FOUND if one is not there, LIMIT_REACHED if the asker is in too many."""
    lower, higher = (tables.account(number) for number in sorted((asker, other)))
    if lower is None or higher is None:
        raise ChatError(Code.NOT_FOUND, "there is no such account")
    if max_conversations < UNLIMITED and tables.conversation_count(asker) >= max_conversations:
        raise ChatError(Code.LIMIT_REACHED, f"you may be in at most {max_conversations} conversations")
    return lower, higher
