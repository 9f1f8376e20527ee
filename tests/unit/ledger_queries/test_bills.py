"""The billed book: sums of the providers' own lines."""

from decimal import Decimal

import pytest

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.services.ledger import queries
from guardian.services.ledger.views import Billed
from tests.unit.ledger_queries.conftest import Ledger, utc


def test_no_line_is_no_total_and_a_line_of_zero_is_zero(ledger: Ledger) -> None:
    assert queries.billed(ledger.session, ledger.actor, utc("2026-03-01"), utc("2026-04-01")) == Billed(
        total=None, groups=()
    )
    ledger.bill("2026-03-01", "0")
    assert queries.billed(ledger.session, ledger.actor, utc("2026-03-01"), utc("2026-04-01")).total == 0


def test_lines_are_summed_by_what_is_asked_for(ledger: Ledger, other_ledger: Ledger) -> None:
    ledger.bill("2026-03-01", "1.0000000001", "gpt-5, input", model="gpt-5", project_id="p")
    ledger.bill("2026-03-01", "20", "gpt-5, output", model="gpt-5")
    ledger.bill("2026-03-02", "300", "claude", provider=Provider.ANTHROPIC)
    ledger.bill("2026-03-03", "-4", "credit")
    ledger.bill("2026-04-01", "5000")
    other_ledger.bill("2026-03-01", "60000")
    found = queries.billed(
        ledger.session, ledger.actor, utc("2026-03-01"), utc("2026-04-01"), ("provider", "periodStart")
    )
    assert found.total == Decimal("317.0000000001")
    assert [(dict(group.values), group.cost) for group in found.groups] == [
        ({"provider": "ANTHROPIC", "periodStart": "2026-03-02T00:00:00+00:00"}, Decimal(300)),
        ({"provider": "OPENAI", "periodStart": "2026-03-01T00:00:00+00:00"}, Decimal("21.0000000001")),
        ({"provider": "OPENAI", "periodStart": "2026-03-03T00:00:00+00:00"}, Decimal(-4)),
    ]


def test_an_unknown_dimension_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValidationError, match="Unknown dimension 'colour' of bills"):
        queries.billed(ledger.session, ledger.actor, utc("2026-03-01"), utc("2026-04-01"), ("colour",))
