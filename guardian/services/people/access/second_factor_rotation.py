"""Re-sealing people's second factors with a new encryption key."""

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService, SealedSecret
from guardian.models import SecondFactor
from guardian.services.people.resealing import Batch, reseal


def reseal_second_factors(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The next ones, as resealing.reseal says."""

    def renew(row: SecondFactor, keep: bool) -> bool:
        stored = SealedSecret(row.encrypted_secret, row.iv, row.tag, row.encryption_key_id)
        secret = encryption.decrypt_api_key(stored)
        if row.encryption_key_id == encryption.current_key_id:
            return False
        if keep:
            sealed = encryption.encrypt_api_key(secret)
            row.encrypted_secret, row.iv, row.tag = sealed.encrypted_key, sealed.iv, sealed.tag
            row.encryption_key_id = sealed.key_id
        return True

    query = select(SecondFactor)
    return reseal(
        session, query, col(SecondFactor.user_id), renew, lambda _: "second factor", after=after, dry_run=dry_run
    )
