"""The seals of the audit log's ends, made anew with the current encryption key."""

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService
from guardian.errors import DecryptionError
from guardian.models import ActivityHead
from guardian.services.people.audit import chain
from guardian.services.people.resealing import Batch, reseal


def reseal_heads(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The next chains' ends, as resealing.reseal says; each seal is checked first.

    One that does not fit stays as it is, for `guardian doctor --audit` to name.
    """

    def renew(row: ActivityHead, keep: bool) -> bool:
        if row.key_id == encryption.current_key_id:
            return False
        if not chain.fits(encryption, row):
            raise DecryptionError("its seal does not fit: see guardian doctor --audit")
        if keep:
            chain.seal_anew(encryption, row)
        return True

    sealed = select(ActivityHead).where(col(ActivityHead.key_id).is_not(None))
    return reseal(session, sealed, col(ActivityHead.chain), renew, lambda _: "audit log", after=after, dry_run=dry_run)
