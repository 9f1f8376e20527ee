"""The installation as a whole, for those who run it; and the words of the forms."""

from dataclasses import replace

import pytest
from sqlmodel import Session

from guardian.errors import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    GuardianError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
    ValidationError,
)
from guardian.models.enums import UserRole
from guardian.services.people import installation
from guardian.services.people.access import problems
from tests.conftest import People


def test_only_who_runs_it_sees_everybody(session: Session, people: People) -> None:
    root = replace(people.alice, role=UserRole.SUPER_ADMIN)
    assert {(o.name, o.users, o.keys) for o in installation.list_organizations(session, root)} == {
        ("Globex", 1, 0),
        ("Acme", 2, 0),
    }
    for actor in (people.alice, replace(people.alice, role=UserRole.ADMIN)):
        with pytest.raises(AuthorizationError):
            installation.list_organizations(session, actor)


def test_every_code_has_words_and_every_error_a_code() -> None:
    errors: list[GuardianError] = [
        AuthenticationError(),
        AuthorizationError(),
        ConflictError("x"),
        RateLimitError(5),
        UnavailableError("x"),
        ValidationError("x"),
        ValidationError("x", details=[{"field": "email", "message": "y"}]),
        ValidationError("x", details=[{"field": "<script>", "message": "y"}]),
        NotFoundError("x"),
        GuardianError("x"),
    ]
    codes = [problems.code_of(error) for error in errors]
    assert codes == [
        "credentials",
        "origin",
        "exists",
        "too-often",
        "unavailable",
        "invalid",
        "email",
        "invalid",
        "invalid",
        "internal",
    ]
    assert all(problems.sentence(code).endswith(".") for code in problems.CODES)
    assert problems.sentence("<b>call us</b>") == problems.sentence("internal")
