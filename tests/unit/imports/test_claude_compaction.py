"""Claude Code's compactions: billed beside the message whose usage tells of them, and once like it."""

from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.models import UsageLog
from guardian.services.ledger.bills.rows import requests_of
from guardian.services.ledger.sums.rollups import disagreements
from tests.unit.imports.making import USAGE, Importer, claude, jsonl

COMPACTION = {
    "type": "compaction",
    "input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_read_input_tokens": 7_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 50,
}


def rows(session: Session) -> list[UsageLog]:
    session.expire_all()
    return list(session.exec(select(UsageLog)))


def test_a_compaction_is_added_to_its_message(session: Session, bring: Importer) -> None:
    # The message's own part stands among the iterations too, and in the totals already.
    bring(jsonl(claude({"iterations": [{"type": "message", **USAGE}, COMPACTION, {"type": "compaction"}]})))
    (row,) = rows(session)
    assert (row.input_tokens, row.output_tokens, row.cache_read_tokens) == (32_010 + 7_130, 400 + 50, 30_000 + 7_000)
    assert (row.cache_write_5m_tokens, row.cache_write_1h_tokens) == (1_510, 520)
    # claude-opus-4-5: $5 in, $25 out, $0.50 read, $6.25 and $10 written per million tokens:
    # 110 × 5 + 37,000 × 0.5 + 1,510 × 6.25 + 520 × 10 + 450 × 25 = 44,937.5 millionths
    assert row.cost == Decimal("0.0449375000")
    assert requests_of(row.model_dump()) == 1
    assert disagreements(session) == []


def test_the_line_that_knows_of_a_compaction_is_the_last_word(session: Session, bring: Importer) -> None:
    whole = claude({"iterations": [COMPACTION]})
    bring(jsonl(whole, claude()))
    bring(jsonl(claude(), whole, claude()))
    (row,) = rows(session)
    assert row.total_tokens == 32_410 + 7_180


@pytest.mark.parametrize("iterations", [None, [], [{"type": "message", **USAGE}], [{}], [{"type": None}]])
def test_without_a_compaction_the_totals_are_all(session: Session, bring: Importer, iterations: Any) -> None:
    bring(jsonl(claude({"iterations": iterations})))
    (row,) = rows(session)
    assert row.total_tokens == 32_410


def test_a_compaction_that_cannot_be_is_refused_with_its_line(session: Session, bring: Importer) -> None:
    view = bring(jsonl(claude(), claude({"iterations": [{**COMPACTION, "output_tokens": -60}]}, id="m2")))
    assert (view.rows_added, view.rows_refused, view.errors[0]["line"]) == (1, 1, 2)
    # Its message has tokens enough to hide it in the sum.
    assert "negative" in str(view.errors[0]["message"])
