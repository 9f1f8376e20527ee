"""prices over REST: agreed prices, look-ups, the unpriced queue, re-pricing as a job, and rates of other currencies."""

from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.jobs.repricing import reprice
from guardian.models import ActivityLog
from guardian.services.ledger.writing.buckets import replace_buckets
from tests.api.conftest import Client
from tests.conftest import People
from tests.unit.ledger.making import account, bucket, usage

HALF = {"provider": "OPENAI", "modelPattern": "gpt-6-sol", "percentOfList": "50", "validFrom": "2026-11-01"}
SPAN = {"from": "2026-11-01", "to": "2026-11-01"}


def actions(session: Session) -> list[str]:
    rows = session.exec(select(ActivityLog).order_by(ActivityLog.sequence)).all()
    return [row.action for row in rows if row.action.startswith(("PRICE", "REPRICE", "RATES"))]


@pytest.fixture
def used(people: People) -> None:
    """$0.003 of gpt-6-sol, and as many tokens of a model that nobody knows."""
    with db.session() as session:
        replace_buckets(session, account(people.alice), [bucket(0, usage(0), usage(0, model="gpt-6.2-sol"))])


def test_an_agreed_price_from_birth_to_end(alice: Client, session: Session) -> None:
    """1,000 in and 500 out of gpt-6-sol are $0.007 by the list."""
    made = alice.data("POST", "/prices/overrides", 201, json={**HALF, "note": "Contract 12"})
    assert made["example"] == {
        "model": "gpt-6-sol",
        "inputTokens": 1000,
        "outputTokens": 500,
        "cost": "0.0035",
        "listCost": "0.007",
        "ratio": "0.5",
    }
    assert (made["validFrom"], made["validTo"], made["state"]) == ("2026-11-01T00:00:00Z", None, "current")
    path = f"/prices/overrides/{made['id']}"
    assert alice.data("GET", path) == made
    assert alice.data("GET", "/prices/overrides?provider=OPENAI") == [made]
    assert alice.data("GET", "/prices/overrides?provider=XAI") == []
    dear = {"prices": {"input_tokens": 1.8, "output_tokens": "9"}, "validFrom": "2026-11-10T12:00:00Z"}
    new = alice.data("PATCH", path, json=dear)
    assert new["prices"] == {"input_tokens": "1.8", "output_tokens": "9"}
    assert new["id"] != made["id"]
    assert alice.data("GET", path)["validTo"] == new["validFrom"] == "2026-11-10T12:00:00Z"
    ended = alice.data("PATCH", f"/prices/overrides/{new['id']}", json={"validTo": "2026-11-12"})
    assert (ended["id"], ended["validTo"], ended["state"]) == (new["id"], "2026-11-13T00:00:00Z", "ended")
    assert alice.data("DELETE", path) == {"deleted": True, "override": None}
    alice.failure("GET", path, 404)
    assert actions(session) == ["PRICE_CREATE", "PRICE_UPDATE", "PRICE_UPDATE", "PRICE_DELETE"]


@pytest.mark.usefixtures("used")
def test_a_price_that_priced_something_is_ended_instead_of_deleted(alice: Client, people: People) -> None:
    made = alice.data("POST", "/prices/overrides", 201, json=HALF)
    run = alice.data("POST", "/prices/reprice", 202, json={**SPAN, "dryRun": False})
    reprice(run["id"])
    gone = alice.data("DELETE", f"/prices/overrides/{made['id']}")
    assert gone["deleted"] is False
    assert gone["override"]["state"] == "ended"


def test_a_price_far_off_the_list_is_asked_about(alice: Client, session: Session) -> None:
    wrong_unit = {"provider": "OPENAI", "modelPattern": "gpt-6-sol", "prices": {"output_tokens": "0.01"}}
    refused = alice.failure("POST", "/prices/overrides", 409, json=wrong_unit)
    assert refused["code"] == "PRICE_NEEDS_CONFIRMATION"
    assert refused["details"] == {
        "model": "gpt-6-sol",
        "unit": "output_tokens",
        "agreedPerMillion": "0.01",
        "listPerMillion": "10",
        "ratio": "0.001",
    }
    assert "$0.01 per million output tokens of gpt-6-sol is a 1,000th of the list price of $10" in refused["error"]
    assert actions(session) == []
    alice.data("POST", "/prices/overrides", 201, json={**wrong_unit, "confirm": True})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"percentOfList": None}, "prices"),
        ({"percentOfList": "NaN"}, "percentOfList"),
        ({"percentOfList": "1e999"}, "percentOfList"),
        ({"validFrom": "soon"}, "validFrom"),
        ({"validTo": "2026-10-01"}, "validTo"),
        ({"provider": "ACME"}, "provider"),
        ({"percentOfList": None, "prices": {"input_token": "1"}}, "prices.input_token"),
        ({"percentOfList": None, "prices": {"input_tokens": "-1"}}, "prices.input_tokens"),
    ],
)
def test_wrong_prices(alice: Client, body: dict[str, Any], field: str) -> None:
    refused = alice.failure("POST", "/prices/overrides", 400, json={**HALF, **body})
    assert [problem["field"] for problem in refused["details"]] == [field]


def test_a_look_up(alice: Client, charlie: Client) -> None:
    made = alice.data("POST", "/prices/overrides", 201, json=HALF)
    (found,) = alice.data("GET", "/prices?model=gpt-6-sol&provider=OPENAI&at=2026-11-22")
    assert (found["source"], found["ref"], found["at"]) == ("genai-prices", "gpt-6-sol", "2026-11-22T00:00:00Z")
    assert found["version"]
    assert found["override"]["id"] == made["id"]
    listed = {unit["unit"]: unit["perMillion"] for unit in found["listed"] if not unit["above"]}
    agreed = {unit["unit"]: unit["perMillion"] for unit in found["agreed"] if not unit["above"]}
    assert (listed["output_tokens"], agreed["output_tokens"]) == ("10", "5")
    (theirs,) = charlie.data("GET", "/prices?model=gpt-6-sol")
    assert (theirs["override"], theirs["agreed"], theirs["example"]["cost"]) == (None, [], "0.007")
    assert alice.data("GET", "/prices?model=nobody-knows-it") == []
    alice.failure("GET", "/prices", 400)
    alice.failure("GET", "/prices?model=", 400)


@pytest.mark.usefixtures("used")
def test_a_dry_run_applied_and_undone(alice: Client, session: Session) -> None:
    alice.data("POST", "/prices/overrides", 201, json=HALF)
    asked = alice.data("POST", "/prices/reprice", 202, json=SPAN)
    assert (asked["status"], asked["dryRun"], asked["progress"]) == ("queued", True, 0)
    assert (asked["start"], asked["end"]) == ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    assert alice.failure("POST", "/prices/reprice", 409, json=SPAN)["code"] == "CONFLICT"
    reprice(asked["id"])
    shown = alice.data("GET", f"/prices/reprice/{asked['id']}")
    assert (shown["status"], shown["progress"], shown["canApply"], shown["canUndo"]) == ("finished", 1, True, False)
    assert shown["result"]["models"] == [
        {
            "provider": "OPENAI",
            "model": "gpt-6-sol",
            "rows": 1,
            "before": "0.003",
            "after": "0.0015",
            "change": "-0.0015",
            "unpricedBefore": 0,
            "unpricedAfter": 0,
        }
    ]
    assert alice.data("GET", "/usage/summary?from=2026-11-01&to=2026-11-01&tz=UTC")["totals"]["cost"] == "0.003"
    alice.data("POST", f"/prices/reprice/{asked['id']}/apply", 202)
    reprice(asked["id"])
    # From the cache or not: it is the figure of now.
    assert alice.data("GET", "/usage/summary?from=2026-11-01&to=2026-11-01&tz=UTC")["totals"]["cost"] == "0.0015"
    alice.data("POST", f"/prices/reprice/{asked['id']}/undo", 202)
    reprice(asked["id"])
    undone = alice.data("GET", f"/prices/reprice/{asked['id']}")
    assert (undone["status"], undone["result"]["rowsRestored"], undone["result"]["rowsRefused"]) == ("undone", 1, 0)
    assert alice.data("GET", "/usage/summary?from=2026-11-01&to=2026-11-01&tz=UTC")["totals"]["cost"] == "0.003"
    assert [run["id"] for run in alice.data("GET", "/prices/reprice")] == [asked["id"]]
    assert actions(session) == ["PRICE_CREATE", "REPRICE_REQUEST", "REPRICE_APPLY", "REPRICE_UNDO"]


@pytest.mark.usefixtures("used")
def test_the_unpriced_queue_is_emptied_in_one_step(alice: Client, session: Session) -> None:
    (waiting,) = alice.data("GET", "/prices/unpriced")
    assert (waiting["model"], waiting["rows"], waiting["tokens"], waiting["requests"]) == ("gpt-6.2-sol", 1, 1100, 100)
    costs = {each["model"]: Decimal(each["cost"]) for each in waiting["suggestions"]}
    assert costs["gpt-6-sol"] == Decimal("0.003")
    assert all(each["guess"] is True for each in waiting["suggestions"])
    wanted = {"provider": "OPENAI", "model": "gpt-6.2-sol", "like": "gpt-6-sol"}
    done = alice.data("POST", "/prices/unpriced/price", 202, json=wanted)
    assert done["override"]["validFrom"] == "2026-11-01T00:00:00Z"
    assert (done["run"]["status"], done["run"]["dryRun"]) == ("queued", False)
    reprice(done["run"]["id"])
    assert alice.data("GET", "/prices/unpriced") == []
    assert actions(session) == ["PRICE_BACKFILL"]


def test_rates_and_the_currency_of_display(alice: Client, bob: Client, session: Session) -> None:
    assert alice.data("GET", "/prices/currencies") == {"currency": "USD", "rates": []}
    assert alice.data("PATCH", "/organization", json={"currency": "eur"})["currency"] == "EUR"
    new = {"currency": "EUR", "source": "ECB reference rate", "csv": "day,rate\r\n2026-11-19,0.86\r\n2026-11-20,0.8653"}
    assert alice.data("POST", "/prices/currencies", 201, json=new) == {"added": 2, "changed": 0, "unchanged": 0}
    corrected = {"currency": "EUR", "source": "bank", "rates": [{"day": "2026-11-20", "perDollar": "0.8654"}]}
    assert alice.data("POST", "/prices/currencies", 201, json=corrected)["changed"] == 1
    found = bob.data("GET", "/prices/currencies?currency=EUR")
    assert found["currency"] == "EUR"
    assert [(rate["day"], rate["perDollar"], rate["source"]) for rate in found["rates"]] == [
        ("2026-11-20", "0.8654", "bank"),
        ("2026-11-19", "0.86", "ECB reference rate"),
    ]
    for wrong in ({**new, "csv": "2026-11-20;x"}, {**new, "csv": None}, {**corrected, "csv": "2026-11-20,1"}):
        alice.failure("POST", "/prices/currencies", 400, json=wrong)
    refused = alice.failure("PATCH", "/organization", 400, json={"currency": "DOUBLOON"})
    assert [problem["field"] for problem in refused["details"]] == ["currency"]
    assert actions(session) == ["RATES_ADD", "RATES_ADD"]
