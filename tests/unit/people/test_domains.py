"""Domains: proved by a record in a real name server's answer; who reads mail at one may join, and nobody else."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from guardian.config import settings
from guardian.errors import AuthorizationError, ConflictError, NotFoundError, UnavailableError, ValidationError
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import Plan, TeamRole
from guardian.periods import utcnow
from guardian.services.people.domains import (
    change_domain_role,
    claim_domain,
    confirm_domain,
    dns_lookup,
    drop_domain,
    get_domain,
    give_place,
    join_by_domain,
    joinable,
    pending_domain,
    txt_records,
)
from tests.conftest import People
from tests.fakes.name_server import NameServer
from tests.unit.people.making import now, stranger


@pytest.fixture
def names(environment: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    with NameServer() as server:
        monkeypatch.setenv("DNS_RESOLVER", server.address)
        settings.cache_clear()
        yield server


def verified(session: Session, people: People, role: TeamRole | None = TeamRole.MEMBER) -> None:
    """Acme has proved that acme.example is its own."""
    record = claim_domain(session, people.alice, "acme.example").record or ""
    confirm_domain(session, people.alice, "acme.example", [record])
    change_domain_role(session, people.alice, role)


def test_a_domain_is_ones_own_once_its_dns_says_so(names: NameServer, session: Session, people: People) -> None:
    claimed = claim_domain(session, people.alice, " ACME.example. ")
    assert (claimed.domain, claimed.pending) == (None, "acme.example")
    assert (claimed.record or "").startswith("ai-cost-guardian-verification=")
    domain = pending_domain(session, people.alice)
    for records in ([], ["v=spf1 -all"], [f"{claimed.record}x"]):
        names.records[domain] = records
        with pytest.raises(ValidationError, match="does not have the TXT record"):
            confirm_domain(session, people.alice, domain, txt_records(domain))
    names.records[domain] = ["v=spf1 -all", claimed.record or ""]
    found = confirm_domain(session, people.alice, domain, txt_records(domain))
    assert (found.domain, found.pending, found.join_role) == ("acme.example", None, None)
    assert set(names.asked) == {"acme.example"}


def test_a_domain_that_is_not_there_has_no_records(names: NameServer) -> None:
    assert txt_records("nowhere.example") == []
    names.records["bare.example"] = []
    assert txt_records("bare.example") == []


def test_a_name_server_that_is_silent_is_no_answer(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    names.silent = True
    monkeypatch.setattr(dns_lookup, "LIFETIME_SECONDS", 0.2)
    with pytest.raises(UnavailableError):
        txt_records("acme.example")


def test_the_record_stays_the_same_until_another_domain_is_claimed(session: Session, people: People) -> None:
    first = claim_domain(session, people.alice, "acme.example")
    assert claim_domain(session, people.alice, "acme.example") == first
    assert claim_domain(session, people.alice, "acme.test").record != first.record
    # What was put into the DNS of another domain proves nothing of this one.
    with pytest.raises(ConflictError):
        confirm_domain(session, people.alice, "acme.example", [first.record or ""])


@pytest.mark.parametrize("domain", ["", "acme", "a b.example", "http://acme.test", "x@acme.test", "acme..test"])
def test_what_is_no_domain_is_refused(session: Session, people: People, domain: str) -> None:
    with pytest.raises(ValidationError):
        claim_domain(session, people.alice, domain)


def test_a_domain_belongs_to_one_organization(session: Session, people: People) -> None:
    theirs = claim_domain(session, people.charlie, "acme.example").record or ""
    verified(session, people)
    with pytest.raises(ConflictError, match="another organization"):
        claim_domain(session, people.charlie, "acme.example")
    with pytest.raises(ConflictError, match="another organization"):
        confirm_domain(session, people.charlie, "acme.example", [theirs])
    drop_domain(session, people.alice)
    assert confirm_domain(session, people.charlie, "acme.example", [theirs]).domain == "acme.example"
    with pytest.raises(NotFoundError):
        drop_domain(session, people.alice)


def test_only_who_may_change_the_organization_changes_its_domain(session: Session, people: People) -> None:
    with pytest.raises(AuthorizationError):
        claim_domain(session, people.bob, "acme.example")
    assert get_domain(session, people.bob).domain is None
    with pytest.raises(ConflictError):
        change_domain_role(session, people.alice, TeamRole.MEMBER)
    verified(session, people)
    for role in (TeamRole.OWNER, TeamRole.ADMIN, TeamRole.BILLING):
        with pytest.raises(ValidationError):
            change_domain_role(session, people.alice, role)


def guest(session: Session, people: People, email: str, *, confirmed: bool = True) -> User:
    """Somebody who has an organization of their own already."""
    own = Organization(name="Own", plan=Plan.ENTERPRISE)
    session.add(own)
    session.flush()
    user = stranger(session, email, organization_id=own.id)
    session.add(TeamMember(organization_id=own.id, user_id=user.id, role=TeamRole.OWNER))
    user.email_verified = utcnow() if confirmed else None
    session.flush()
    return user


@pytest.mark.parametrize(
    ("email", "confirmed", "may"),
    [
        ("guest@acme.example", True, True),
        ("guest@acme.example", False, False),
        ("guest@sub.acme.example", True, False),
        ("guest@notacme.example", True, False),
        ("acme.example@elsewhere.example", True, False),
    ],
)
def test_who_reads_mail_at_the_domain_may_join(
    session: Session, people: People, email: str, confirmed: bool, may: bool
) -> None:
    verified(session, people, TeamRole.VIEWER)
    user = guest(session, people, email, confirmed=confirmed)
    found = joinable(session, user)
    assert (found is not None) is may
    actor = now(session, people.charlie).__class__(
        user.id, user.organization_id or "", user.role, TeamRole.OWNER, email=user.email
    )
    if found is None:
        with pytest.raises(NotFoundError):
            join_by_domain(session, actor)
        return
    assert (found.name, found.role) == ("Acme", TeamRole.VIEWER)
    join_by_domain(session, actor)
    assert now(session, actor).organization_id == people.alice.organization_id
    assert now(session, actor).team_role is TeamRole.VIEWER
    assert joinable(session, user) is None


def test_nobody_joins_by_a_domain_unless_the_organization_lets_them(session: Session, people: People) -> None:
    verified(session, people, None)
    user = guest(session, people, "guest@acme.example")
    assert joinable(session, user) is None
    change_domain_role(session, people.alice, TeamRole.MEMBER)
    assert joinable(session, user) is not None
    drop_domain(session, people.alice)
    assert joinable(session, user) is None


def test_a_domain_of_other_letters_is_the_same_in_each_spelling(session: Session, people: People) -> None:
    record = claim_domain(session, people.alice, "bücher.example").record or ""
    assert pending_domain(session, people.alice) == "xn--bcher-kva.example"
    confirm_domain(session, people.alice, "xn--bcher-kva.example", [record])
    change_domain_role(session, people.alice, TeamRole.MEMBER)
    for email in ("a@bücher.example", "b@xn--bcher-kva.example"):
        assert joinable(session, guest(session, people, email)) is not None


def test_who_signs_in_without_a_place_gets_one(session: Session, people: People) -> None:
    verified(session, people)
    known, unknown = stranger(session, "new@acme.example"), stranger(session, "new@elsewhere.example")
    known.email_verified = unknown.email_verified = utcnow()
    for user in (known, unknown):
        give_place(session, user)
    assert known.organization_id == people.alice.organization_id
    own = session.get_one(Organization, unknown.organization_id)
    assert own.name == "New's organization"
    # Where the plan has no room they are let in all the same, into an organization of their own.
    session.get_one(Organization, people.alice.organization_id).plan = Plan.FREE
    late = stranger(session, "late@acme.example")
    late.email_verified = utcnow()
    give_place(session, late)
    assert session.get_one(Organization, late.organization_id).name == "Late's organization"
