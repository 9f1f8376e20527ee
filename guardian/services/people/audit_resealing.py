"""The seals of the audit log's ends, made anew with the current encryption key."""

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService
from guardian.models import ActivityHead
from guardian.services.people.audit import chain
from guardian.services.people.provider_keys.rotation import Batch, Unopened

_BATCH = 200


def reseal_heads(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """Seal the next chains' ends with the current key, in order of their names; each seal is checked first.

    A seal that does not fit stays as it is, for `guardian doctor --audit` to name. One batch is one transaction.
    """
    query = select(ActivityHead).where(col(ActivityHead.key_id).is_not(None)).order_by(col(ActivityHead.chain))
    query = query.limit(_BATCH)
    if after is not None:
        query = query.where(col(ActivityHead.chain) > after)
    rows = session.exec(query if dry_run else query.with_for_update()).all()
    resealed = current = 0
    unopened: list[Unopened] = []
    for row in rows:
        if row.key_id == encryption.current_key_id:
            current += 1
        elif not chain.fits(encryption, row):
            reason = "its seal does not fit: see guardian doctor --audit"
            unopened.append(Unopened(id=row.chain, name="audit log", reason=reason))
        else:
            resealed += 1
            if not dry_run:
                chain.seal_anew(encryption, row)
    session.flush()
    return Batch(last_id=rows[-1].chain if rows else None, resealed=resealed, current=current, unopened=tuple(unopened))
