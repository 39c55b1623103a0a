"""The words by which people choose, wherever they type."""

from imserver.core.values import State

STATES = {
    "online": State.ONLINE,
    "away": State.AWAY,
    "busy": State.BUSY,
    "dnd": State.DO_NOT_DISTURB,
    "invisible": State.INVISIBLE,
}
# What each says of Privacy.
PRIVACY = {
    "found": ("findable", True),
    "hidden": ("findable", False),
    "open": ("open_to_contacts", True),
    "ask": ("open_to_contacts", False),
}
