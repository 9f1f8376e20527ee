"""The last calls: newest first, found by what people know of one, within bounds, and nothing of other organizations."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from guardian import db
from guardian.errors import AuthorizationError, ValidationError
from guardian.models import AccessToken
from guardian.models.base import new_id
from guardian.models.enums import Provider, TeamRole, UsageOrigin, UserRole
from guardian.models.usage import UsageLog
from guardian.periods import DAY, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.queries import calls as calls_module
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.views import CallFilter, SummaryQuery
from tests.conftest import People
from tests.unit.ledger_queries.conftest import Ledger


def call(ledger: Ledger, minutes_ago: float = 1, cost: str | None = "0.01", **fields: Any) -> UsageLog:
    known: dict[str, Any] = {"origin": UsageOrigin.GATEWAY, "status_code": 200}
    return ledger.row(utcnow() - timedelta(minutes=minutes_ago), cost, **(known | fields))


def token(session: Session, ledger: Ledger, name: str) -> AccessToken:
    made = AccessToken(
        organization_id=ledger.actor.organization_id,
        user_id=ledger.actor.user_id,
        name=name,
        token_hash=new_id(),
        hint="wxyz",
        scopes=["gateway"],
    )
    session.add(made)
    session.commit()
    return made


def found(ledger: Ledger, limit: int = 200, **wanted: Any) -> list[str]:
    return [each.id for each in queries.recent_calls(ledger.session, ledger.actor, CallFilter(**wanted), limit).calls]


def test_calls_come_newest_first_and_reports_and_imports_are_none(ledger: Ledger) -> None:
    written = ledger.write(*(call(ledger, minutes, origin=UsageOrigin.INGEST) for minutes in (3, 1, 60 * 24 * 3, 2)))
    ledger.write(
        call(ledger, 1, origin=UsageOrigin.SYNC),
        call(ledger, 1, origin=UsageOrigin.IMPORT),
        call(ledger, 60 * 24 * 40),
    )
    newest = [row.id for row in sorted(written, key=lambda row: row.timestamp, reverse=True)]
    assert found(ledger) == newest
    assert found(ledger, limit=2) == newest[:2]


def test_each_filter_leaves_what_people_mean_by_it(session: Session, ledger: Ledger) -> None:
    tokens = [token(session, ledger, name) for name in ("web", "batch")]
    plain, other, failed, cut, unpriced = ledger.write(
        call(ledger, 1, "0.01", access_token_id=tokens[0].id, tags={"team": "web"}),
        call(ledger, 2, "0.05", provider=Provider.ANTHROPIC, model="claude-haiku-4-5", access_token_id=tokens[1].id),
        call(ledger, 3, "0", status_code=429, error="rate_limit_exceeded"),
        call(ledger, 4, "0.2", error="cut_short", meta={"requestId": "req-77", "endUser": "Customer_9%"}),
        call(ledger, 5, None, session="Checkout"),
    )
    assert found(ledger, filters={"provider": ("ANTHROPIC",)}) == [other.id]
    assert found(ledger, filters={"model": ("claude-haiku-4-5", "gpt-none")}) == [other.id]
    assert found(ledger, filters={"user": (ledger.actor.user_id,)}) == found(ledger)
    assert found(ledger, filters={"user": ("nobody",)}) == []
    assert found(ledger, filters={"tag": ("team:web",)}) == [plain.id]
    assert found(ledger, tokens=(tokens[1].id,)) == [other.id]
    assert found(ledger, failed=True) == [failed.id, cut.id]
    assert found(ledger, failed=False) == [plain.id, other.id, unpriced.id]
    assert found(ledger, least_cost=Decimal("0.05")) == [other.id, cut.id]
    assert found(ledger, least_cost=Decimal(0)) == [plain.id, other.id, failed.id, cut.id]
    for text, expected in {
        "HAIKU": other,
        "rate_limit": failed,
        "req-77": cut,
        "customer_9%": cut,
        "checkout": unpriced,
        plain.id: plain,
    }.items():
        assert found(ledger, text=text) == [expected.id], text
    # No pattern of LIKE: the signs stand for themselves.
    assert found(ledger, text="_9%") == [cut.id]
    assert found(ledger, text="ra%ed") == []


def test_a_call_is_told_with_the_names_of_token_person_and_key(session: Session, ledger: Ledger) -> None:
    mine, key = token(session, ledger, "web"), ledger.key("prod")
    ledger.write(call(ledger, access_token_id=mine.id, api_key_id=key.id, meta={"timeToFirstToken": 120}))
    (told,) = queries.recent_calls(session, ledger.actor, CallFilter()).calls
    assert told.names == {"user": "Alice", "apiKey": "prod", "accessToken": "web"}
    assert (told.access_token_id, told.metadata) == (mine.id, {"timeToFirstToken": 120})


def test_what_the_last_calls_can_be_filtered_by(session: Session, ledger: Ledger, other_ledger: Ledger) -> None:
    mine = token(session, ledger, "web")
    ledger.write(call(ledger, access_token_id=mine.id), call(ledger, model="b"), call(ledger, model="a"))
    other_ledger.write(call(other_ledger, model="theirs"))
    choices = queries.call_choices(session, ledger.actor)
    assert choices.models == ("a", "b", "gpt-5")
    assert (choices.people, choices.tokens) == ({ledger.actor.user_id: "Alice"}, {mine.id: "web"})


def test_a_rare_value_is_looked_for_among_so_many_calls_and_no_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "MOST_SEARCHED", 3)
    written = ledger.write(
        *(call(ledger, minutes, model="rare" if minutes in (2, 5) else "gpt-5") for minutes in range(6))
    )
    assert found(ledger, text="rare") == [written[2].id]


def test_calls_of_other_organizations_do_not_exist(
    session: Session, ledger: Ledger, other_ledger: Ledger, people: People
) -> None:
    mine = token(session, ledger, "web")
    ledger.write(call(ledger, access_token_id=mine.id, meta={"requestId": "req-77"}))
    for wanted in (CallFilter(), CallFilter(tokens=(mine.id,)), CallFilter(text="req-77")):
        assert queries.recent_calls(session, people.charlie, wanted).calls == ()
    # Not even the name of a token that a row of theirs claims.
    other_ledger.write(call(other_ledger, access_token_id=mine.id))
    (theirs,) = queries.recent_calls(session, people.charlie, CallFilter()).calls
    assert "accessToken" not in theirs.names
    assert queries.call_choices(session, people.charlie).tokens == {}


@pytest.mark.parametrize(
    "wanted",
    [
        CallFilter(filters={"origin": ("sync",)}),
        CallFilter(filters={"provider": ("NOBODY",)}),
        CallFilter(filters={"tag": ("no-colon",)}),
        CallFilter(text="x" * 201),
        CallFilter(text="\x00"),
        CallFilter(least_cost=Decimal("NaN")),
        CallFilter(least_cost=Decimal(-1)),
    ],
)
def test_a_filter_that_cannot_be_is_refused(ledger: Ledger, wanted: CallFilter) -> None:
    with pytest.raises(ValidationError):
        queries.recent_calls(ledger.session, ledger.actor, wanted)


def test_limits_and_rights_are_checked(ledger: Ledger) -> None:
    for limit in (0, 201):
        with pytest.raises(ValidationError):
            found(ledger, limit=limit)
    ingest = Actor(
        ledger.actor.user_id,
        ledger.actor.organization_id,
        UserRole.USER,
        TeamRole.OWNER,
        scopes=frozenset({"ingest"}),
    )
    for ask in (
        lambda: queries.recent_calls(ledger.session, ingest, CallFilter()),
        lambda: queries.call_choices(ledger.session, ingest),
    ):
        with pytest.raises(AuthorizationError):
            ask()


@pytest.mark.parametrize("wanted", [CallFilter(), CallFilter(failed=True), CallFilter(text="req-77")], ids=repr)
def test_the_index_by_time_is_read_from_its_end(session: Session, ledger: Ledger, wanted: CallFilter) -> None:
    ensure_partitions(session, utcnow() - timedelta(days=5), utcnow())
    session.connection().exec_driver_sql(
        "INSERT INTO usage_logs (id, timestamp, provider, model, operation, origin, cost, cost_source, status_code,"
        " user_id, organization_id) SELECT 'c' || lpad(n::text, 24, '0'), now() - n * interval '4 seconds', 'OPENAI',"
        " 'gpt-5', 'chat', 'gateway', 0.01, 'computed', 200, %(user)s, %(org)s FROM generate_series(1, 20000) n",
        {"user": ledger.actor.user_id, "org": ledger.actor.organization_id},
    )
    session.commit()
    session.connection().exec_driver_sql("ANALYZE usage_logs")
    asked: list[tuple[str, Any]] = []
    listen = lambda _c, _u, statement, parameters, _x, _m: asked.append((statement, parameters))  # noqa: E731
    event.listen(db.engine(), "before_cursor_execute", listen)
    try:
        queries.recent_calls(session, ledger.actor, wanted)
    finally:
        event.remove(db.engine(), "before_cursor_execute", listen)
    statement, parameters = next(each for each in asked if "FROM usage_logs" in each[0])
    plan = "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all())
    assert "Index Scan Backward using usage_logs_" in plan, plan
    assert "organization_id_timestamp_idx" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_sums_by_token_name_it(ledger: Ledger) -> None:
    ledger.write(call(ledger, 1, "1", access_token_id="t1"), call(ledger, 2, "2", access_token_id="t2"))
    ledger.write(call(ledger, 3, "4", access_token_id="t1"), call(ledger, 4, "8"))
    window = {"start": utcnow() - DAY, "end": utcnow() + DAY}
    summed = queries.summary(ledger.session, ledger.actor, SummaryQuery(**window, group_by=("accessToken",)))
    found = {group.values["accessToken"]: group.totals.cost for group in summed.groups}
    assert found == {"t1": Decimal(5), "t2": Decimal(2), None: Decimal(8)}
