"""Why imadmin could not do it."""


class AdminError(Exception):
    """One sentence for the operator; the daemon, or imadmin itself, refuses."""


class NoDaemon(AdminError):
    """Nobody answers at the data folder's socket."""


class UsageError(AdminError):
    """The command line does not say enough, or too much."""
