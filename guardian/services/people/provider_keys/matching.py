"""The provider's own id of a stored key, from what the provider shows of the secrets of its keys."""

import re
from collections import defaultdict
from collections.abc import Iterable

from sqlmodel import Session, select

from guardian import db
from guardian.errors import DecryptionError
from guardian.models import ApiKey
from guardian.models.enums import Provider, ResourceKind
from guardian.records import NamedResource
from guardian.services.people.provider_keys.checks import EXTERNAL_ID
from guardian.services.people.provider_keys.vault import unseal

_MASK = re.compile(r"\.{2,}|…|\*+|•+")
# Of 62 letters and digits three are the same on two keys by chance once in 240,000.
_SHORTEST_END = 3


def tell_ids(session: Session, organization_id: str, provider: Provider, listed: Iterable[NamedResource]) -> None:
    """Note the provider's id of every stored key that fits one listed key, and that no second stored key fits.

    What somebody told stays, and where two fit nothing is guessed. Keys of all of the provider's accounts take part:
    what an account is called differs between the answers to an admin key and to one for calls.
    """
    shown = {key.external_id: parts for key in listed if key.kind is ResourceKind.API_KEY if (parts := _parts(key))}
    if not shown:
        return
    db.lock(session, "keys", organization_id)  # as whoever adds one, or tells its id
    query = select(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.provider == provider)
    stored = {row.id: row for row in session.exec(query, execution_options={"populate_existing": True})}
    told = {str(row.meta[EXTERNAL_ID]) for row in stored.values() if row.meta and EXTERNAL_ID in row.meta}
    fitting, owners = _fits(stored.values(), shown)
    for id, (first, *more) in fitting.items():
        meta = stored[id].meta or {}
        if not more and len(owners[first]) == 1 and first not in told and EXTERNAL_ID not in meta:
            stored[id].meta = {**meta, EXTERNAL_ID: first}
    session.flush()


def _fits(
    stored: Iterable[ApiKey], shown: dict[str, tuple[str, str]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The provider's ids that each stored key fits, and the stored keys that fit each of those."""
    fitting: dict[str, list[str]] = defaultdict(list)
    owners: dict[str, list[str]] = defaultdict(list)
    for row in stored:
        close = {id: parts for id, parts in shown.items() if _may_end(row.hint, parts[1])}
        try:
            secret = unseal(row) if close else ""
        except DecryptionError:
            continue
        for external_id, (start, end) in close.items():
            if secret.startswith(start) and secret.endswith(end) and len(secret) > len(start) + len(end):
                fitting[row.id].append(external_id)
                owners[external_id].append(row.id)
    return fitting, owners


def _may_end(hint: str, end: str) -> bool:
    """Whether a secret with these last characters is worth opening."""
    return bool(hint) and (end.endswith(hint) or hint.endswith(end))


def _parts(key: NamedResource) -> tuple[str, str] | None:
    """The beginning and the end that are shown of the secret; None where too little of it is."""
    parts = _MASK.split((key.masked or "").strip())
    if len(parts) < 2 or len(parts[-1]) < _SHORTEST_END:
        return None
    return parts[0], parts[-1]
