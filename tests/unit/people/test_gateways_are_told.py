"""Gateways hear of a changed vault or organization at once, after the commit, and of nothing that was rolled back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from sqlmodel import Session

from guardian import db, live
from guardian.crypto import encryption
from guardian.models.enums import KeyStatus, Provider
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.people import members, organizations, provider_keys, teams
from guardian.services.people.members import MemberChange
from guardian.services.people.organizations import OrganizationChange
from guardian.services.people.provider_keys import rotation
from tests.conftest import People, Servers

GOOD = TestResult(success=True, message="This key works.", kind="inference", account_id="org-1")
BAD = TestResult(success=False, message="Replace it.", metadata={"code": "PROVIDER_KEY_REJECTED"})


class Ear:
    """What was said on the channel since the last look."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)
        self._listener = self._redis.pubsub()
        self._listener.subscribe(live.GATEWAY_CHANGED)
        assert self._listener.get_message(timeout=5)["type"] == "subscribe"

    def heard(self) -> list[str]:
        # What this connection says itself comes after all that was said before it.
        self._redis.publish(live.GATEWAY_CHANGED, "end")
        found: list[str] = []
        while (message := self._listener.get_message(timeout=5)) and message["data"] != b"end":
            found.append(message["data"].decode())
        return found

    def close(self) -> None:
        self._listener.close()
        self._redis.close()


@pytest.fixture
def ear(environment: Servers) -> Iterator[Ear]:
    found = Ear(environment.redis_url)
    yield found
    found.close()


def add(session: Session, actor: Actor) -> str:
    return provider_keys.add_key(
        session, actor, provider=Provider.OPENAI, secret="sk-proj-0123456789abcdef", label="main", tested=GOOD
    ).id


CHANGES: dict[str, Callable[[Session, Actor, str], Any]] = {
    "switched off": lambda s, a, key: provider_keys.update_key(s, a, key, is_active=False),
    "renamed": lambda s, a, key: provider_keys.update_key(s, a, key, label="other"),
    "replaced": lambda s, a, key: provider_keys.replace_secret(s, a, key, "sk-proj-9876543210fedcba", GOOD),
    "found bad": lambda s, a, key: provider_keys.record_test(s, a, key, BAD),
    "found bad by a pull": lambda s, a, key: provider_keys.mark_key(s, key, KeyStatus.REJECTED, "no"),
    "deleted": lambda s, a, key: provider_keys.delete_key(s, a, key),
    "organization changed": lambda s, a, key: organizations.update_organization(
        s, a, OrganizationChange(time_zone="Europe/Berlin")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_told(people: People, session: Session, ear: Ear, change: str) -> None:
    session.commit()
    with db.session() as own:
        key_id = add(own, people.alice)
        assert ear.heard() == []
    assert set(ear.heard()) == {people.alice.organization_id}
    with db.session() as own:
        CHANGES[change](own, people.alice, key_id)
    assert set(ear.heard()) == {people.alice.organization_id}


def test_what_changes_nothing_for_calls_is_not_told(people: People, session: Session, ear: Ear) -> None:
    session.commit()
    with db.session() as own:
        key_id = add(own, people.alice)
    ear.heard()
    with db.session() as own:
        provider_keys.mark_key(own, key_id, KeyStatus.ACTIVE, "works")
        provider_keys.open_secret(own, key_id)
    with db.session() as own:
        rotation.reseal_keys(own, encryption())
    assert ear.heard() == []


def test_what_is_rolled_back_is_not_told(people: People, session: Session, ear: Ear) -> None:
    session.commit()

    def stopped() -> None:
        with db.session() as own:
            add(own, people.alice)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert ear.heard() == []


def test_what_becomes_of_people_and_teams_is_told(people: People, session: Session, ear: Ear) -> None:
    mine = people.alice.organization_id
    team = teams.create_team(session, people.alice, "web")
    place = next(each.id for each in members.list_members(session, people.alice) if each.name == "Bob")
    session.commit()
    ear.heard()
    works: tuple[Callable[[Session], object], ...] = (
        lambda own: members.update_member(own, people.alice, place, MemberChange(team="web")),
        lambda own: teams.update_team(own, people.alice, team.id, name="frontend"),
        lambda own: teams.delete_team(own, people.alice, team.id),
        lambda own: members.remove_member(own, people.alice, place),
    )
    for work in works:
        with db.session() as own:
            work(own)
        assert set(ear.heard()) == {mine}
