"""No relation is ever read row by row behind one's back: one that was not asked for is an error, not a query."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import InvalidRequestError
from sqlmodel import Session, SQLModel, select

from guardian.models import Organization
from tests.conftest import People


def test_every_relation_has_to_be_asked_for() -> None:
    mappers = {m.class_: m for m in SQLModel._sa_registry.mappers}
    relations = {f"{c.__name__}.{r.key}": r.lazy for c, m in mappers.items() for r in inspect(m).relationships}
    assert len(relations) > 10
    assert set(relations.values()) == {"raise_on_sql"}, relations


def test_one_that_was_not_asked_for_is_an_error(session: Session, people: People) -> None:
    session.expunge_all()
    organization = session.exec(select(Organization).where(Organization.id == people.alice.organization_id)).one()
    with pytest.raises(InvalidRequestError, match="raise_on_sql"):
        _ = organization.users
