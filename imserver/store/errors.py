"""Why a store cannot be opened."""


class StoreError(Exception):
    """One sentence for the operator that says what to do."""
