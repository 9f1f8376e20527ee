"""Which stored key a listed one is, by what the provider shows of its secret: one that fits alone, or none."""

import pytest
from sqlmodel import Session

from guardian.models import ApiKey
from guardian.models.enums import Provider, ResourceKind
from guardian.records import NamedResource, TestResult
from guardian.services.actor import Actor
from guardian.services.people import provider_keys
from guardian.services.people.provider_keys import tell_ids
from tests.conftest import People

OURS = "sk-ant-api03-R2Dk3ngu0Zx7TqPw-igAA"


def store(session: Session, actor: Actor, secret: str, label: str, *, told: str | None = None) -> str:
    tested = TestResult(success=True, message="works", kind="inference", account_id=f"account of {label}")
    return provider_keys.add_key(
        session, actor, provider=Provider.ANTHROPIC, secret=secret, label=label, tested=tested, external_id=told
    ).id


def tell(session: Session, actor: Actor, **listed: str | None) -> None:
    keys = [
        NamedResource(kind=ResourceKind.API_KEY, external_id=id, name=f"Name of {id}", masked=masked)
        for id, masked in listed.items()
    ]
    assert actor.organization_id
    tell_ids(session, actor.organization_id, Provider.ANTHROPIC, keys)


def id_of(session: Session, key_id: str) -> object:
    return (session.get_one(ApiKey, key_id).meta or {}).get("externalKeyId")


@pytest.mark.parametrize(
    "masked", ["sk-ant-api03-R2D...igAA", "sk-ant…gAA", "sk-ant-api03-************w-igAA", "...igAA", "****igAA"]
)
def test_the_one_key_that_fits_is_known(session: Session, people: People, masked: str) -> None:
    ours = store(session, people.alice, OURS, "ours")
    other = store(session, people.alice, "sk-ant-api03-Qqqqqqqqqqqqqqqqqq-zzzz", "other")
    theirs = store(session, people.charlie, OURS, "theirs")
    tell(session, people.alice, apikey_1=masked, apikey_2="sk-ant-api03-AAA...0000", apikey_3=None)
    assert [id_of(session, key) for key in (ours, other, theirs)] == ["apikey_1", None, None]
    tell(session, people.alice, apikey_1=masked)
    assert id_of(session, ours) == "apikey_1"


@pytest.mark.parametrize(
    "masked",
    [
        "sk-ant-api03-XXX...igAA",  # another beginning
        "sk-ant-api03-R2D...igAB",  # another end
        "sk-ant-api03-R2D...AA",  # so short an end is also others'
        "sk-ant-api03-R2Dk3ngu0Zx7TqPw-igAA...igAA",  # as long as the secret: not a part of it
        "igAA",  # no mask: a name
        "",
    ],
)
def test_what_does_not_fit_is_not_known(session: Session, people: People, masked: str) -> None:
    ours = store(session, people.alice, OURS, "ours")
    tell(session, people.alice, apikey_1=masked)
    assert id_of(session, ours) is None


def test_where_two_fit_nothing_is_guessed(session: Session, people: People) -> None:
    ours = store(session, people.alice, OURS, "ours")
    tell(session, people.alice, apikey_1="sk-ant-api03-R2D...igAA", apikey_2="sk-ant-api03-R2D...igAA")
    assert id_of(session, ours) is None
    twin = store(session, people.alice, "sk-ant-api03-R2Dk9999999999999-igAA", "twin")
    tell(session, people.alice, apikey_1="sk-ant-api03-R2D...igAA")
    assert [id_of(session, key) for key in (ours, twin)] == [None, None]


def test_what_somebody_told_stays(session: Session, people: People) -> None:
    ours = store(session, people.alice, OURS, "ours", told="apikey_told")
    tell(session, people.alice, apikey_1="sk-ant-api03-R2D...igAA")
    assert id_of(session, ours) == "apikey_told"
    # Nor does a key get an id that somebody gave to another one.
    wrong = store(session, people.alice, "sk-ant-api03-Wwwwwwwwwwwwwwwww-wwww", "wrong", told="apikey_2")
    right = store(session, people.alice, "sk-ant-api03-Rrrrrrrrrrrrrrrrr-rrrr", "right")
    tell(session, people.alice, apikey_2="sk-ant-api03-Rrr...rrrr")
    assert [id_of(session, key) for key in (wrong, right)] == ["apikey_2", None]


def test_a_key_that_cannot_be_opened_stays_as_it_is(session: Session, people: People) -> None:
    ours = store(session, people.alice, OURS, "ours")
    session.get_one(ApiKey, ours).tag = "00" * 16
    session.flush()
    tell(session, people.alice, apikey_1="sk-ant-api03-R2D...igAA")
    assert id_of(session, ours) is None
