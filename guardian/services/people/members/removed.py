"""Who was taken out of an organization: a domain that lets people join by themselves does not let them come back."""

from typing import cast

from sqlmodel import Session, col, select, update

from guardian.models import Organization

_REMOVED = "removed"  # in an organization's metadata: ids of people


def note_removed(session: Session, organization_id: str, user_id: str) -> None:
    """They come back only if they are asked. Members have to be locked."""
    row = _locked(session, organization_id)
    _keep(session, row, [*(each for each in _ids(row) if each != user_id), user_id])


def forget_removed(session: Session, organization_id: str, user_id: str) -> None:
    """They are there again. Members have to be locked."""
    row = _locked(session, organization_id)
    if user_id in _ids(row):
        _keep(session, row, [each for each in _ids(row) if each != user_id])


def was_removed(row: Organization, user_id: str) -> bool:
    """Whether somebody took them out, and nobody has asked them in since."""
    return user_id in _ids(row)


def _ids(row: Organization) -> list[str]:
    stored: object = (row.meta or {}).get(_REMOVED)
    return cast("list[str]", stored) if isinstance(stored, list) else []


def _locked(session: Session, organization_id: str) -> Organization:
    query = select(Organization).where(Organization.id == organization_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def _keep(session: Session, row: Organization, ids: list[str]) -> None:
    """It is no change of the organization's that its version or the audit log would have to tell."""
    session.exec(
        update(Organization)
        .where(col(Organization.id) == row.id)
        .values(meta={**(row.meta or {}), _REMOVED: ids}, updated_at=row.updated_at)
    )
