"""Single calls: each is in the ledger once, priced, and in the rollups."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db
from guardian.errors import ValidationError
from guardian.models import UsageLog
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.pricing.overrides import Override
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.sums.rollups import disagreements
from guardian.services.ledger.writing.calls import Added, Call, add_calls
from tests.conftest import People

MOMENT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


def call(people: People, number: int = 1, **usage: object) -> Call:
    counts = UsageCounts(input_tokens=1_000_000, output_tokens=1_000_000)
    told = {"model": "gpt-5", "counts": counts, **usage}
    return Call(
        identity=("event", str(number)),
        origin=UsageOrigin.IMPORT,
        usage=UsageRecord(provider=Provider.OPENAI, operation="chat", start=MOMENT, end=MOMENT, **told),  # pyright: ignore[reportArgumentType]
        user_id=people.alice.user_id,
        tags={"team": "web"},
        session="s1",
    )


def test_a_call_is_added_once_however_often_it_is_told(session: Session, people: People) -> None:
    one, two = call(people, 1), call(people, 2)
    organization = people.alice.organization_id
    assert add_calls(session, organization, [one, two, one]) == Added(added=2, duplicates=1)
    assert add_calls(session, organization, [two, call(people, 3)]) == Added(added=1, duplicates=1)
    rows = session.exec(select(UsageLog)).all()
    # gpt-5: $1.25 in and $10 out per million
    assert [row.cost for row in rows] == [Decimal("11.25")] * 3
    assert {(row.session, row.tags["team"] if row.tags else None, row.requests) for row in rows} == {
        ("s1", "web", None)  # one, as of each call that says nothing else
    }
    assert disagreements(session) == []


@pytest.mark.parametrize("first", [1, 9])
def test_of_one_call_told_twice_at_once_the_first_word_stays(session: Session, people: People, first: int) -> None:
    """As of a call whose end is in the journal, and behind it the note that it was under way."""
    words = [replace(call(people), response_time=number) for number in (first, 10 - first)]
    result = add_calls(session, people.alice.organization_id, [call(people, 2), *words, call(people, 3)])
    assert result == Added(added=3, duplicates=1)
    told = [row.response_time for row in session.exec(select(UsageLog)).all() if row.response_time is not None]
    assert told == [first]
    assert disagreements(session) == []


def test_another_organization_has_the_same_call_for_itself(session: Session, people: People) -> None:
    add_calls(session, people.alice.organization_id, [call(people)])
    theirs = replace(call(people), user_id=people.charlie.user_id)
    assert add_calls(session, people.charlie.organization_id, [theirs]) == Added(added=1, duplicates=0)


def test_agreed_prices_and_known_costs_are_kept(session: Session, people: People) -> None:
    half = Override(
        id="o1",
        provider=Provider.OPENAI,
        model_pattern="*",
        valid_from=datetime(2020, 1, 1, tzinfo=UTC),
        percent_of_list=Decimal(50),
    )
    known = CostBreakdown(amount=Decimal("0.5"), source=CostSource.ESTIMATED, reason="Told by the file.")
    calls = [call(people, 1), replace(call(people, 2), cost=known), call(people, 3, model="nobody-knows-it")]
    add_calls(session, people.alice.organization_id, calls, {Provider.OPENAI: (half,)})
    rows = session.exec(select(UsageLog)).all()
    assert {(row.cost, row.cost_source) for row in rows} == {
        (Decimal("5.625"), CostSource.COMPUTED),
        (Decimal("0.5"), CostSource.ESTIMATED),
        (None, CostSource.UNPRICED),
    }
    assert disagreements(session) == []


def test_what_cannot_be_is_refused_and_nothing_is_stored(session: Session, people: People) -> None:
    wrong = call(people, 2, counts=UsageCounts(input_tokens=1, cache_read_tokens=2))
    with pytest.raises(ValidationError, match="exceed input_tokens by 1"):
        add_calls(session, people.alice.organization_id, [call(people), wrong])
    assert session.exec(select(UsageLog)).all() == []


def test_twice_in_one_transaction_and_after_one_that_was_rolled_back(session: Session, people: People) -> None:
    organization = people.alice.organization_id
    add_calls(session, organization, [call(people, 1)])
    session.rollback()
    assert add_calls(session, organization, [call(people, 1)]) == Added(added=1, duplicates=0)
    assert add_calls(session, organization, [call(people, 1), call(people, 2)]) == Added(added=1, duplicates=1)
    session.commit()
    assert add_calls(session, organization, [call(people, 2)]) == Added(added=0, duplicates=1)
    assert disagreements(session) == []


@pytest.mark.parametrize(
    "text", ["tab\tline\nreturn\rback\\slash \\N", 'quote " and \x01', "nul\0 and \ud800 half", "ü€"]
)
def test_any_text_is_stored_as_it_is_but_for_what_no_database_keeps(
    session: Session, people: People, text: str
) -> None:
    told = replace(call(people, model=text), session=text, error=text, tags={text: text}, metadata={"deep": [text]})
    add_calls(session, people.alice.organization_id, [told])
    (row,) = session.exec(select(UsageLog)).all()
    kept = text.replace("\0", "").replace("\ud800", "?")
    assert (row.model, row.session, row.error, row.tags) == (kept, kept, kept, {kept: kept})
    assert (row.meta or {})["deep"] == [kept]
    assert disagreements(session) == []


def test_what_was_rolled_back_is_made_again_and_what_stays_is_not_looked_for(session: Session, people: People) -> None:
    """The partition of a month that nothing was of, and the staging table, on one connection of the pool."""
    session.commit()
    long_ago = replace(call(people).usage, start=datetime(2016, 2, 3, tzinfo=UTC), end=datetime(2016, 2, 3, tzinfo=UTC))
    organization = people.alice.organization_id
    told = [replace(call(people, number), usage=long_ago) for number in range(8)]
    for number in (0, 0, 1, 2):
        with Session(db.engine()) as opened:
            assert add_calls(opened, organization, [told[number]]).added == 1
            assert add_calls(opened, organization, [told[number], told[number + 4]]) == Added(added=1, duplicates=1)
            if number:
                opened.commit()
            else:
                opened.rollback()
    assert len(session.exec(select(UsageLog)).all()) == 4
    assert disagreements(session) == []


ODD = ("NULL", "", '"', "{a,NULL}", "a'b", "%s %(x)s", "\N{SNOWMAN}\x02", "half \ud800", "nul \0", "a\tb\nc", "d\\e\\N")


def test_a_few_calls_are_stored_as_many_are(session: Session, people: People) -> None:
    """Which go in with one statement, while thousands are copied."""
    odd = [replace(call(people, n, model=f"m{word}"), error=word, tags={"team": word}) for n, word in enumerate(ODD)]
    organization = people.alice.organization_id
    found: list[list[dict[str, object]]] = []
    for more in (0, 500):
        for each in odd if not more else [None]:  # one by one, so that none decides how another one is stored
            mine = [each] if each else [*odd, *(call(people, 1_000 + number) for number in range(more))]
            assert add_calls(session, organization, mine) == Added(added=len(mine), duplicates=0)
        assert disagreements(session) == []
        rows = session.exec(select(UsageLog).order_by(UsageLog.id)).all()
        ours = sorted([row.model_dump() for row in rows if row.model != "gpt-5"], key=lambda row: str(row["id"]))
        found.append(ours)
        session.expunge_all()
        session.connection().execute(text("TRUNCATE usage_logs, usage_rollups, usage_changes"))
    assert len(found[0]) == len(ODD)
    assert found[0] == found[1]
