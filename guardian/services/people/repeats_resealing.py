"""Re-sealing the kept answers of repeated requests with a new encryption key."""

from sqlmodel import Session, col, select

from guardian.crypto import EncryptionService
from guardian.models import IdempotentRequest
from guardian.services.people import repeats
from guardian.services.people.resealing import Batch, reseal


def reseal_answers(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The next ones, as resealing.reseal says.

    One that cannot be opened stays as it is, and is nothing to tell of: nobody can store it again, whoever repeats the
    request is told that it was done and its answer is lost, and in a day it is gone.
    """

    def renew(row: IdempotentRequest, keep: bool) -> bool:
        answer, key_id = repeats.opened(encryption, row.body or "")
        if key_id == encryption.current_key_id:
            return False
        if keep:
            row.body = repeats.sealed(encryption, answer)
        return True

    answered = select(IdempotentRequest).where(col(IdempotentRequest.body).is_not(None))
    return reseal(session, answered, col(IdempotentRequest.id), renew, lambda _: None, after=after, dry_run=dry_run)
