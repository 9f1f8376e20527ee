"""usage/reconciliation: the books of UTC days, findings with their sentences, and months that are closed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import Session

from guardian.config import settings
from guardian.models.enums import Provider
from guardian.providers.registry import provider_for
from guardian.services.ledger.closing import months
from tests.api.conftest import Client
from tests.conftest import People
from tests.fakes.fixtures import half_dollar
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, World, at

RANGE = {"from": "2026-11-01", "to": "2026-11-03"}
PATH = "/usage/reconciliation"


@pytest.fixture
def world(session: Session, people: People, fake: FakeProvider) -> Iterator[World]:
    """Acme has pulled OpenAI's paired reports of 1 to 3 November 2026, and tracked one call."""
    adapter = provider_for(Provider.OPENAI, pricer=half_dollar, settings=settings())
    made = World(session, people.alice, {Provider.OPENAI: adapter})
    fake.openai.load_examples()
    made.pull(Provider.OPENAI)
    made.call(at(FIRST, 10), "gpt-6-sol", made.vault_key(), input_tokens=100_000, output_tokens=10_000)
    yield made
    adapter.close()


@pytest.mark.usefixtures("world")
def test_the_books_and_what_lies_between_them(alice: Client) -> None:
    found = alice.data("GET", PATH, params={**RANGE, "groupBy": "model"})
    assert (found["firstDay"], found["lastDay"], found["timeZone"]) == ("2026-11-01", "2026-11-03", "UTC")
    # 100k × $2 and 10k × $10 a million.
    assert found["figures"]["tracked"] == "0.3"
    assert (found["figures"]["reported"], found["figures"]["billed"]) == ("6.5105", "5.3175")
    assert found["figures"]["drift"] == "0"
    assert Decimal(found["figures"]["coverage"]) == round(Decimal("0.3") / Decimal("6.5105"), 10)
    for name in ("trackedReported", "reportedBilled"):
        gap = {part: Decimal(value) for part, value in found[name].items()}
        assert gap["first"] + gap["named"] + gap["notComparable"] + gap["unexplained"] == gap["second"]
    assert [day["day"] for day in found["days"]] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert found["days"][2]["billed"] is None
    assert found["lineCount"] == len(found["lines"]) == 3
    sol = next(line for line in found["lines"] if line["model"] == "gpt-6-sol")
    assert sol["billed"] == {"quantity": "1290000", "cost": "1.885"}
    assert sol["tracked"] == {"quantity": "110000", "cost": "0.3"}


@pytest.mark.usefixtures("world")
def test_each_finding_says_what_where_and_how_much(alice: Client) -> None:
    findings = alice.data("GET", PATH, params=RANGE)["findings"]
    sizes = [Decimal(finding["size"]) for finding in findings]
    assert sizes == sorted(sizes, reverse=True)
    unknown = next(finding for finding in findings if finding["cause"] == "unknown_key")
    assert (unknown["providerKey"], unknown["amount"], unknown["comparison"]) == (
        "key_Cd2",
        "3.3975",
        "tracked_reported",
    )
    assert unknown["sentence"].startswith("OpenAI key “etl nightly” (key_Cd2) spent $3.40 and is not in the vault.")
    rows = alice.get(unknown["rows"]).json()["data"]
    assert [row["externalKeyId"] for row in rows] == ["key_Cd2"]


@pytest.mark.usefixtures("world")
def test_filters_limits_and_zones(alice: Client) -> None:
    nothing = alice.data("GET", PATH, params={**RANGE, "provider": "ANTHROPIC"})
    # Calls are tracked, and none of them was Anthropic's; its own books do not exist.
    assert nothing["figures"] == {
        "tracked": "0",
        "reported": None,
        "billed": None,
        "coverage": None,
        "drift": None,
    }
    some = alice.data("GET", PATH, params={**RANGE, "tokenKind": "output_tokens,cache_read_tokens", "limit": 2})
    assert (some["lineCount"], len(some["lines"])) == (5, 2)
    # Days are UTC days, whatever zone is asked for.
    other = alice.data("GET", PATH, params={**RANGE, "tz": "Asia/Tokyo"})
    assert other["figures"]["reported"] == "6.5105"
    assert alice.failure("GET", PATH, 400, params={**RANGE, "tz": "Mars"})["details"][0]["field"] == "tz"
    wrong = alice.failure("GET", PATH, 400, params={"from": "2026-11-03", "to": "2026-11-01"})
    assert wrong["details"][0]["field"] == "from"
    assert alice.failure("GET", PATH, 400, params={**RANGE, "provider": "ACME"})["details"][0]["field"] == "provider"


@pytest.mark.usefixtures("world")
def test_another_organization_has_nothing_of_it(charlie: Client) -> None:
    found = charlie.data("GET", PATH, params=RANGE)
    assert (found["findings"], found["lines"], found["figures"]["billed"]) == ([], [], None)
    assert charlie.data("GET", f"{PATH}/months") == []


@pytest.mark.usefixtures("world")
def test_a_month_is_closed_once_and_reopened(alice: Client, bob: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(months, "utcnow", lambda: at(date(2026, 12, 20)))
    shown = alice.data("GET", f"{PATH}/months")
    assert [(month["month"], month["ended"], month["closed"]) for month in shown] == [
        ("2026-12", False, None),
        ("2026-11", True, None),
    ]
    assert "ends on 1 January 2027" in alice.failure("POST", f"{PATH}/months/2026-12/close", 409, json={})["error"]
    bob.failure("POST", f"{PATH}/months/2026-11/close", 403, json={})
    closed = alice.data("POST", f"{PATH}/months/2026-11/close", json={"note": "as invoiced"})
    assert (closed["closed"]["billed"], closed["closed"]["note"], closed["adjustments"]) == (
        "5.3175",
        "as invoiced",
        [],
    )
    alice.failure("POST", f"{PATH}/months/2026-11/close", 409, json={})
    assert bob.data("GET", f"{PATH}/months")[1]["closed"]["closedBy"] == "Alice"
    assert alice.data("POST", f"{PATH}/months/2026-11/reopen")["closed"] is None
    done = [row["action"] for row in alice.data("GET", "/activity")]
    assert done[:2] == ["MONTH_REOPEN", "MONTH_CLOSE"]
    assert alice.failure("POST", f"{PATH}/months/2026-13/close", 400, json={})["details"][0]["field"] == "month"
