"""Whose a credential was when it was last seen here, so that all that a request is counted under is one trip to Redis.

It opens nothing: who asks is found anew each time. What is not known yet is counted for its owner in a second trip.
"""

_MOST = 10_000
_owners: dict[str, str] = {}


def owner_of(credential_hash: str) -> str | None:
    """The id of the user; None where it was not seen yet, or did not open anything the last time."""
    return _owners.get(credential_hash)


def remember(credential_hash: str, user_id: str) -> None:
    """It has just opened something for that user."""
    if len(_owners) >= _MOST:
        _owners.clear()
    _owners[credential_hash] = user_id


def forget(credential_hash: str) -> None:
    """It no longer opens anything, and takes nothing of its owner's share."""
    _owners.pop(credential_hash, None)
