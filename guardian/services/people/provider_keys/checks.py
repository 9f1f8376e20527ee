"""What has to be true before a key is stored or changed: it works, it is there once, and its names are names."""

from sqlmodel import Session, col, select

from guardian import db
from guardian.errors import ConflictError, DecryptionError, ValidationError
from guardian.logs import mask
from guardian.models import ApiKey
from guardian.models.enums import Provider
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.people.provider_keys.vault import refusal, unseal

MAX_LABEL = 100
# In a key's metadata: the provider's own id of the key, by which its reports name it. No adapter's setting.
EXTERNAL_ID = "externalKeyId"
_LONGEST_ID = 200


def require_good(tested: TestResult) -> None:
    if not tested.success:
        raise refusal(tested.metadata.get("code"), tested.message)


def one_at_a_time(session: Session, actor: Actor) -> None:
    """Two at once must not both find that a label or a key is still free."""
    db.lock(session, "keys", actor.organization_id)


def require_new_label(session: Session, user_id: str, provider: Provider, label: str | None) -> None:
    same = select(ApiKey.id).where(
        ApiKey.user_id == user_id, ApiKey.provider == provider, col(ApiKey.label).is_not_distinct_from(label)
    )
    if session.exec(same).first() is None:
        return
    if label is None:
        raise ConflictError("You have a key of this provider without a label already. Give this one a label.")
    raise ConflictError(f"You have a key of this provider labelled “{label}” already. Choose another label.")


def require_new_secret(
    session: Session, actor: Actor, provider: Provider, secret: str, *, but: str | None = None
) -> None:
    rows = session.exec(
        select(ApiKey).where(
            ApiKey.organization_id == actor.organization_id, ApiKey.provider == provider, ApiKey.id != (but or "")
        )
    )
    for row in rows:
        try:
            same = unseal(row) == secret
        except DecryptionError:
            continue
        if same:
            raise ConflictError(f"This key is in the vault already, as “{row.label or '…' + row.hint}”.")


def clean_id(
    session: Session, actor: Actor, provider: Provider, given: str | None, *, but: str | None = None
) -> str | None:
    """The provider's id of a key as it is kept; None for none. Raises ValidationError, ConflictError."""
    text = (given or "").strip()
    if not text:
        return None
    message = ""
    if len(text) > _LONGEST_ID or not text.isprintable() or " " in text:
        message = f"The provider's id of a key is at most {_LONGEST_ID} characters without spaces."
    elif mask(text) != text:
        message = "This looks like the key itself. Give the id that the provider's console and reports have for it."
    if message:
        raise ValidationError(message, details=[{"field": EXTERNAL_ID, "message": message}])
    same = select(ApiKey).where(
        ApiKey.organization_id == actor.organization_id,
        ApiKey.provider == provider,
        col(ApiKey.meta)[EXTERNAL_ID].astext == text,
        ApiKey.id != (but or ""),
    )
    other = session.exec(same).first()
    if other is not None:
        raise ConflictError(f"“{other.label or '…' + other.hint}” has this id already. An id belongs to one key.")
    return text


_PATH_SIGNS = frozenset("/\\?#%")


def clean_label(label: str | None) -> str | None:
    text = " ".join((label or "").split())
    if len(text) > MAX_LABEL or not text.isprintable():
        message = f"Use at most {MAX_LABEL} characters of text."
        raise ValidationError(f"This label is not usable. {message}", details=[{"field": "label", "message": message}])
    if text in (".", "..") or not _PATH_SIGNS.isdisjoint(text):
        message = "A label is a part of the gateway's addresses: it has none of / \\ ? # % and is not . or .. alone."
        raise ValidationError(message, details=[{"field": "label", "message": message}])
    if mask(text) != text:
        message = "This label looks like a key. Labels can be read by everybody: choose a name."
        raise ValidationError(message, details=[{"field": "label", "message": message}])
    return text or None
