"""Re-sealing people's second factors with a new encryption key."""

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService, SealedSecret
from guardian.errors import DecryptionError
from guardian.models import SecondFactor
from guardian.services.people.provider_keys.rotation import Batch, Unopened

_BATCH = 200


def reseal_second_factors(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The next ones, as provider_keys.reseal_batch does it for keys. Only the command line calls it."""
    query = select(SecondFactor).order_by(col(SecondFactor.user_id)).limit(_BATCH)
    if after is not None:
        query = query.where(col(SecondFactor.user_id) > after)
    rows = session.exec(query if dry_run else query.with_for_update()).all()
    resealed = current = 0
    unopened: list[Unopened] = []
    for row in rows:
        stored = SealedSecret(row.encrypted_secret, row.iv, row.tag, row.encryption_key_id)
        try:
            secret = encryption.decrypt_api_key(stored)
        except DecryptionError as error:
            unopened.append(Unopened(id=row.user_id, name="second factor", reason=error.message))
            continue
        if row.encryption_key_id == encryption.current_key_id:
            current += 1
            continue
        resealed += 1
        if not dry_run:
            sealed = encryption.encrypt_api_key(secret)
            row.encrypted_secret, row.iv, row.tag = sealed.encrypted_key, sealed.iv, sealed.tag
            row.encryption_key_id = sealed.key_id
            session.add(row)
    session.flush()
    return Batch(
        last_id=rows[-1].user_id if rows else None, resealed=resealed, current=current, unopened=tuple(unopened)
    )
