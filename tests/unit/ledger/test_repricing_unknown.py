"""A call whose use nobody knows stays unknown: no price makes it cost nothing."""

import pytest
from sqlalchemy import select
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.services.ledger.ingest.storing import store
from guardian.services.ledger.repricing.rows import priced_again
from guardian.services.ledger.repricing.unpriced import price_and_backfill
from guardian.services.ledger.sql.tables import USAGE
from tests.conftest import People
from tests.unit.ledger_ingest.conftest import entry


def test_a_call_without_an_answer_is_never_priced(session: Session, people: People) -> None:
    unknown = (None, "unpriced", "The gateway was stopped.")
    lost = entry(people.alice, 1, counts={}, units={}, error="gateway_stopped", known_cost=unknown, model="gpt-5.4")
    stated = entry(people.alice, 2, error="cut_short", known_cost=unknown, model="gpt-5.4", provider="OPENAI")
    store(session, [lost, stated])
    rows = session.connection().execute(select(USAGE)).mappings()
    found = {row["error"]: priced_again(dict(row), ()) for row in rows}
    assert found["gateway_stopped"] is None
    assert found["cut_short"] is not None  # what it used is known, and has a price


def test_a_price_is_refused_where_nobody_knows_what_was_used(session: Session, people: People) -> None:
    unknown = (None, "unpriced", "The gateway was stopped.")
    lost = entry(people.alice, 1, counts={}, units={}, error="gateway_stopped", known_cost=unknown, model="gpt-99")
    store(session, [lost])
    with pytest.raises(ValidationError, match="before their answer told what they used"):
        price_and_backfill(session, people.alice, provider=Provider.OPENAI, model="gpt-99", like="gpt-5.4")

    later = lost.at + 7_200_000_000  # two hours, in microseconds
    told = entry(people.alice, 2, at=later, model="gpt-99", provider="OPENAI")
    store(session, [told])
    done = price_and_backfill(session, people.alice, provider=Provider.OPENAI, model="gpt-99", like="gpt-5.4")
    # from the first call on whose use is known
    assert (done.override.valid_from.timestamp() - lost.at / 1_000_000) > 3_600
