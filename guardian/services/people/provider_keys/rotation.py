"""Re-sealing the vault with a new encryption key, and finding what can no longer be opened."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService, SealedSecret
from guardian.errors import DecryptionError
from guardian.models import ApiKey

_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened:
    """A stored key that no key of the ring opens: its owner has to store it again."""

    id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one step found: `resealed` rows got the current key, `current` ones had it already.

    `last_id` is where the next step goes on; None when there was nothing left.
    """

    last_id: str | None
    resealed: int
    current: int
    unopened: tuple[Unopened, ...]


def reseal_batch(
    session: Session,
    encryption: EncryptionService,
    *,
    after: str | None = None,
    size: int = _BATCH,
    dry_run: bool = False,
) -> Batch:
    """Seal the next `size` stored keys with the current key, in order of their id; each one is opened first.

    One batch is one transaction, so that rows are locked briefly. Run again, it changes nothing. With `dry_run` it
    counts what it would do. It acts for the installation and therefore takes no actor: only the command line calls it.
    """
    query = select(ApiKey).order_by(col(ApiKey.id)).limit(size)
    if after is not None:
        query = query.where(col(ApiKey.id) > after)
    if not dry_run:
        query = query.with_for_update()
    rows = session.exec(query).all()
    resealed = current = 0
    unopened: list[Unopened] = []
    for row in rows:
        try:
            secret = encryption.decrypt_api_key(SealedSecret(row.encrypted_key, row.iv, row.tag, row.encryption_key_id))
        except DecryptionError as error:
            unopened.append(Unopened(id=row.id, name=_name(row), reason=error.message))
            continue
        if row.encryption_key_id == encryption.current_key_id:
            current += 1
            continue
        resealed += 1
        if not dry_run:
            sealed = encryption.encrypt_api_key(secret)
            row.encrypted_key, row.iv, row.tag = sealed.encrypted_key, sealed.iv, sealed.tag
            row.encryption_key_id = sealed.key_id
            session.add(row)
    session.flush()
    return Batch(last_id=rows[-1].id if rows else None, resealed=resealed, current=current, unopened=tuple(unopened))


def _name(row: ApiKey) -> str:
    return f"{row.provider.value} {row.label or '…' + row.hint}"
