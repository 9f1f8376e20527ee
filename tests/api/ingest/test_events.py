"""POST /usage: each event once, each wrong one told, none lost."""

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from guardian.models.enums import CostSource
from guardian.services.people import teams
from guardian.services.people.access.tokens import create_token
from tests.api.conftest import Client, MakeClient
from tests.api.ingest.conftest import Tokens, rows
from tests.api.ingest.making import event
from tests.conftest import People


def test_an_event_becomes_a_priced_row(sender: Client, people: People) -> None:
    told = event(
        cacheReadTokens=400,
        user="BOB@example.com",
        tags={"team": "web"},
        session="s1",
        responseTime=900,
        metadata={"a": 1},
    )
    answer = sender.post("/api/v1/usage", json=told)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"accepted": 1, "duplicates": 0, "errors": []}
    assert answer.json()["metadata"]["requestId"] == answer.headers["x-request-id"]
    [row] = rows()
    assert (row.cost, row.cost_source) == (Decimal("0.00018"), CostSource.COMPUTED)
    assert (row.user_id, row.tags, row.session) == (
        people.bob.user_id,
        {"team": "web", "user": "BOB@example.com"},
        "s1",
    )
    assert (row.origin, row.response_time, (row.meta or {})["a"]) == ("ingest", 900, 1)
    assert row.access_token_id is not None


def test_a_team_puts_its_tags_on_what_does_not_say_otherwise(
    people: People, new_client: MakeClient, session: Session
) -> None:
    mine = people.alice
    teams.create_team(session, mine, "web", {"env": "prod", "cost-centre": "R1"})
    teams.create_team(session, mine, "search", {"env": "test"})
    secrets = [create_token(session, mine, name=team, scopes=["ingest"], team=team)[0] for team in ("web", "search")]
    session.commit()
    web, search = (new_client(headers={"authorization": f"Bearer {secret}"}) for secret in secrets)
    told = event(1, tags={"env": "staging"})
    assert web.data("POST", "/usage", json=told)["accepted"] == 1
    # The same event by another team's token is the same event: what was put on it is nothing that it says.
    assert search.data("POST", "/usage", json=told) == {"accepted": 0, "duplicates": 1, "errors": []}
    [row] = rows()
    assert row.tags == {"team": "web", "env": "staging", "cost-centre": "R1"}


def test_the_same_event_is_taken_once(sender: Client) -> None:
    batch = [event(1), event(2), event(1), event(2, inputTokens=5)]
    found = sender.data("POST", "/usage", json=batch)
    assert (found["accepted"], found["duplicates"]) == (2, 2)
    [error] = found["errors"]
    assert (error["index"], error["eventId"]) == (3, "event-2")
    assert "first one stays" in error["message"]
    again = sender.data("POST", "/usage", json={"events": [event(1), event(2, timestamp="2026-10-01T00:00:00+02:00")]})
    assert (again["accepted"], again["duplicates"], [e["index"] for e in again["errors"]]) == (0, 2, [1])
    assert len(rows()) == 2


def test_two_organizations_may_use_one_id(
    sender: Client, token: Tokens, people: People, new_client: MakeClient
) -> None:
    other = new_client(headers={"authorization": f"Bearer {token(people.charlie)}"})
    assert sender.data("POST", "/usage", json=event())["accepted"] == 1
    assert other.data("POST", "/usage", json=event())["accepted"] == 1
    assert {row.organization_id for row in rows()} == {people.alice.organization_id, people.charlie.organization_id}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"inputTokens": -1}, "inputTokens"),
        ({"inputTokens": None}, "inputTokens"),
        ({"inputTokens": "12"}, "inputTokens"),
        ({"inputTokens": 1.5}, "inputTokens"),
        ({"inputTokens": 10**16}, "inputTokens"),
        ({"cacheReadTokens": 2000}, "inputTokens"),
        ({"reasoningTokens": 101}, "outputTokens"),
        ({"totalTokens": 5}, "totalTokens"),
        ({"cost": "NaN"}, "cost"),
        ({"cost": -1}, "cost"),
        ({"cost": 12, "currency": "cents"}, "currency"),
        ({"provider": "SKYNET"}, "provider"),
        ({"timestamp": "2031-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "1999-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "2026-11-20T10:00:00"}, "timestamp"),
        ({"timestamp": 1795168800}, "timestamp"),
        ({"eventId": ""}, "eventId"),
        ({"input_tokens": 5}, "input_tokens"),
        ({"metadata": {"text": "x" * 20_000}}, "metadata"),
    ],
)
def test_a_wrong_event_is_told_and_stops_no_other(sender: Client, change: dict[str, Any], field: str) -> None:
    found = sender.data("POST", "/usage", json=[event(1, **change), event(2)])
    assert (found["accepted"], found["duplicates"]) == (1, 0)
    [error] = found["errors"]
    assert (error["index"], error["field"]) == (0, field), error
    refused = sender.failure("POST", "/usage", 400, json=event(1, **change))
    assert refused["details"] == [error]
    right = sender.data("POST", "/usage", json=event(1))
    assert right["accepted"] == 1, "a refused event leaves no trace of its id"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"1000", b"NaN"),
        (b'"gpt-4o-mini"', b'"gpt-4o-mini\\ud83d"'),
        (b'"gpt-4o-mini"', b'"gpt-4o-mini\xff"'),
        (b'"gpt-4o-mini"', b'"gpt-4o-mini", "metadata": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    ],
    ids=["NaN", "half a surrogate pair", "no UTF-8", "nested without end"],
)
@pytest.mark.parametrize("around", [b"[%s]", b'{"events": [%s]}'])
def test_an_event_that_is_no_json_stops_no_other(sender: Client, good: bytes, bad: bytes, around: bytes) -> None:
    wrong = json.dumps(event(1)).encode().replace(good, bad)
    assert bad in wrong
    told = around % b" , ".join([json.dumps(event(2)).encode(), wrong, json.dumps(event(3)).encode()])
    headers = {"content-type": "application/json"}
    found = sender.data("POST", "/usage", content=told, headers=headers)
    assert (found["accepted"], [error["index"] for error in found["errors"]]) == (2, [1])
    refused = sender.failure("POST", "/usage", 400, content=wrong, headers=headers)
    assert refused["details"][0]["index"] == 0


def test_a_field_that_is_missing_is_not_zero(sender: Client) -> None:
    told = event()
    del told["inputTokens"]
    assert sender.failure("POST", "/usage", 400, json=[told])["details"][0]["field"] == "inputTokens"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (json.dumps([event(n) for n in range(1001)]), {}, 400),
        ("x" * 10_000_000, {}, 413),
        ("[]", {}, 400),
        ("", {}, 400),
        ("nonsense", {}, 400),
        ('[{"inputTokens": NaN}]', {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'["' + b'\\"' * 1_500_000, {}, 400),
        (b"[" + json.dumps(event()).encode() + b', {"eventId": NaN}', {}, 400),
        (b"[" + json.dumps(event()).encode() + b', {"eventId": NaN}] ]', {}, 400),
        (b'{"events": [' + json.dumps(event()).encode() + b', {"eventId": NaN}], "more": 1}', {}, 400),
        (b"[" * 100_000 + b"]" * 100_000, {}, 400),
        (b"no gzip", {"content-encoding": "gzip"}, 400),
        (gzip.compress(json.dumps(event()).encode())[:-9], {"content-encoding": "gzip"}, 400),
        (gzip.compress(b" " * 200_000_000), {"content-encoding": "gzip"}, 413),
        (json.dumps(event()), {"content-encoding": "br"}, 415),
        (json.dumps(event()), {"content-type": "text/plain"}, 415),
    ],
)
def test_a_body_that_cannot_be_read_takes_nothing(
    sender: Client, body: str | bytes, headers: dict[str, str], status: int
) -> None:
    sender.failure("POST", "/usage", status, content=body, headers={"content-type": "application/json", **headers})
    assert rows() == []


def test_who_may_not_tell_events_is_refused(new_client: MakeClient, client: Client, token: Tokens, bob: Client) -> None:
    assert client.failure("POST", "/usage", 401, json=event())["code"] == "AUTH_ERROR"
    wrong = new_client(headers={"authorization": "Bearer gdn_wrong"})
    wrong.failure("POST", "/usage", 401, json=event())
    gateway = new_client(headers={"authorization": f"Bearer {token(None, 'gateway')}"})
    gateway.failure("POST", "/usage", 403, json=event())
    assert bob.data("POST", "/usage", json=event())["accepted"] == 1
    bob.failure("POST", "/usage", 403, json=event(), headers={"origin": "https://evil.test"})
    assert len(rows()) == 1


def test_what_the_provider_said_it_costs_is_the_cost(sender: Client) -> None:
    sender.data("POST", "/usage", json=event(cost="0.0123", currency="USD"))
    [row] = rows()
    assert (row.cost, row.cost_source) == (Decimal("0.0123"), CostSource.PROVIDER)


def test_other_methods_are_told_what_to_use(sender: Client) -> None:
    assert "POST" in sender.failure("PUT", "/usage", 405)["error"]
    assert "POST" in sender.failure("GET", "/otlp/v1/traces", 405)["error"]
