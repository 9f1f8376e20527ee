"""Re-sealing the vault with a new encryption key, and finding what can no longer be opened."""

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService, SealedSecret
from guardian.models import ApiKey
from guardian.services.people.resealing import BATCH, Batch, reseal


def reseal_keys(
    session: Session,
    encryption: EncryptionService,
    *,
    after: str | None = None,
    size: int = BATCH,
    dry_run: bool = False,
) -> Batch:
    """The next stored keys, as resealing.reseal says."""

    def renew(row: ApiKey, keep: bool) -> bool:
        secret = encryption.decrypt_api_key(SealedSecret(row.encrypted_key, row.iv, row.tag, row.encryption_key_id))
        if row.encryption_key_id == encryption.current_key_id:
            return False
        if keep:
            sealed = encryption.encrypt_api_key(secret)
            row.encrypted_key, row.iv, row.tag = sealed.encrypted_key, sealed.iv, sealed.tag
            row.encryption_key_id = sealed.key_id
        return True

    return reseal(session, select(ApiKey), col(ApiKey.id), renew, _name, after=after, size=size, dry_run=dry_run)


def _name(row: ApiKey) -> str:
    return f"{row.provider.value} {row.label or '…' + row.hint}"
