"""Accounts: who is first, how an address is spelled, what a sign-in costs, and what guessing gets."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import argon2
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db
from guardian.errors import AuthenticationError, ConflictError, RateLimitError, ValidationError
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.people.access.accounts import SIGN_IN_PER_ADDRESS, authenticate, me, register
from guardian.services.people.access.sessions import actor_for_user
from guardian.services.people.emails import normal_email
from tests.conftest import Servers

PASSWORD = "correct horse battery"


def sign_up(email: str) -> UserRole:
    with db.session() as session:
        return register(session, email=email, password=PASSWORD).role


def test_registering_makes_a_person_who_owns_an_organization(session: Session) -> None:
    user = register(session, email="Ada@Acme.Test", password=PASSWORD, name=" Ada  L. ", company="Acme")
    organization = session.get_one(Organization, user.organization_id)
    member = session.exec(select(TeamMember)).one()
    assert (user.email, user.name, organization.name) == ("ada@acme.test", "Ada L.", "Acme")
    assert (organization.billing_email, member.role, member.user_id) == ("ada@acme.test", TeamRole.OWNER, user.id)
    assert PASSWORD not in str(user.model_dump())
    view = me(session, actor_for_user(session, user.id))
    assert (view.organization.name, view.team_role, view.organization.time_zone) == ("Acme", TeamRole.OWNER, "UTC")


@pytest.mark.parametrize(
    ("name", "company", "called"),
    [("Ada", None, "Ada's organization"), (None, None, "ada's organization"), ("Ada", "  ", "Ada's organization")],
)
def test_an_organization_without_a_name_gets_one(
    session: Session, name: str | None, company: str | None, called: str
) -> None:
    user = register(session, email="ada@acme.test", password=PASSWORD, name=name, company=company)
    assert session.get_one(Organization, user.organization_id).name == called


def test_of_two_first_people_at_once_one_administers_the_installation(environment: Servers) -> None:
    """The second waits for the first one's commit: without that, neither would see the other."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor() as pool, db.session() as first:
        assert register(first, email="first@acme.test", password=PASSWORD).role is UserRole.SUPER_ADMIN
        second = pool.submit(sign_up, "second@acme.test")
        pause = threading.Event()
        for _ in range(200):
            with db.session() as looking:
                if looking.connection().execute(waiting).scalar_one():
                    break
            pause.wait(0.05)
        assert not second.done()
        first.commit()
        assert second.result() is UserRole.ADMIN


def test_of_many_first_people_at_once_one_administers_the_installation(environment: Servers) -> None:
    with ThreadPoolExecutor(6) as pool:
        roles = list(pool.map(sign_up, [f"p{n}@acme.test" for n in range(6)]))
    assert sorted(roles) == [UserRole.ADMIN] * 5 + [UserRole.SUPER_ADMIN]


def test_of_two_registrations_of_one_address_one_counts(environment: Servers) -> None:
    def attempt(email: str) -> str:
        try:
            return sign_up(email).value
        except ConflictError:
            return "conflict"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, ["ada@acme.test", "ADA@acme.test"] * 2))[1:] == ["conflict"] * 3
    with db.session() as session:
        assert len(session.exec(select(Organization)).all()) == 1


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("ada+tag@nas.local", "ada+tag@nas.local"),
        ("ada@acme.test", "ada@acme.test"),
    ],
)
def test_an_address_has_one_spelling(given: str, stored: str) -> None:
    try:
        found = normal_email(given)
    except ValidationError:
        pytest.fail(f"{given} was refused")
    assert found == stored


@pytest.mark.parametrize("wrong", ["", "ada", "ada@", "@acme.test", "ada@localhost", "a b@acme.test", "ada@acme..test"])
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        normal_email(wrong, "billingEmail")
    assert refused.value.details[0]["field"] == "billingEmail"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of every argon2 verification that is done, by watching the library."""
    done: list[str] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, hash: str, password: str) -> bool:
        done.append(hash.rsplit("$", 2)[0])
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    return done


def test_an_unknown_person_costs_the_same_work_as_a_known_one(session: Session, work: list[str]) -> None:
    register(session, email="ada@acme.test", password=PASSWORD)
    session.add(User(email="only-google@acme.test"))
    session.flush()
    sentences: set[str] = set()
    for email in ("ada@acme.test", "nobody@acme.test", "only-google@acme.test", "no address"):
        with pytest.raises(AuthenticationError) as refused:
            authenticate(session, email=email, password="guess", ip_address="10.0.0.1")
        sentences.add(refused.value.message)
    assert len(work) == 4
    assert len(set(work)) == 1
    assert len(sentences) == 1


def test_an_old_hash_is_renewed_by_the_right_password(session: Session) -> None:
    user = register(session, email="ada@acme.test", password=PASSWORD)
    user.password_hash = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    old = user.password_hash
    with pytest.raises(AuthenticationError):
        authenticate(session, email="ada@acme.test", password="guess", ip_address=None)
    assert user.password_hash == old
    assert authenticate(session, email="ada@acme.test", password=PASSWORD, ip_address=None).id == user.id
    assert user.password_hash != old
    assert authenticate(session, email="ada@acme.test", password=PASSWORD, ip_address=None).id == user.id


def attempts(session: Session, count: int, **how: Any) -> list[str]:
    found: list[str] = []
    for n in range(count):
        try:
            authenticate(session, **{key: value.format(n=n) for key, value in how.items()})
            found.append("in")
        except AuthenticationError:
            found.append("wrong")
        except RateLimitError as limited:
            # Of ten calls in 900 s one has left the window 90 s after it began to slide.
            found.append("wait" if 0 < limited.retry_after <= 900 + 90 else "wrong wait")
    return found


def test_guessing_one_persons_password_from_many_addresses_ends(session: Session) -> None:
    register(session, email="ada@acme.test", password=PASSWORD)
    tries = attempts(session, 12, email="ada@acme.test", password="guess", ip_address="10.0.0.{n}")
    assert tries == ["wrong"] * 10 + ["wait"] * 2
    # Also the right password waits: it could be the guess.
    assert attempts(session, 1, email="Ada@acme.test", password=PASSWORD, ip_address="10.9.9.9") == ["wait"]


def test_guessing_many_persons_passwords_from_one_address_ends(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = SIGN_IN_PER_ADDRESS.count
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda *_: (_ for _ in ()).throw(argon2.exceptions.VerifyMismatchError)
    )
    tries = attempts(session, limit + 2, email="p{n}@acme.test", password="guess", ip_address="10.0.0.1")
    assert tries == ["wrong"] * limit + ["wait"] * 2
    assert attempts(session, 1, email="p@acme.test", password="guess", ip_address="10.0.0.2") == ["wrong"]


def test_a_success_uses_up_nothing_of_an_address_that_many_share(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(session, email="ada@acme.test", password=PASSWORD)
    monkeypatch.setattr(PasswordHasher, "verify", lambda *_: True)
    limit = SIGN_IN_PER_ADDRESS.count
    assert attempts(session, limit + 5, email="ada@acme.test", password="x" * 12, ip_address="10.0.0.1") == ["in"] * (
        limit + 5
    )
