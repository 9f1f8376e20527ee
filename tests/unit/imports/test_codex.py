"""Codex's logs: one call per response, from records where there are some, else from what the sums grew by."""

from decimal import Decimal
from typing import Any

from sqlmodel import Session

from guardian.models.enums import CostSource, Provider
from guardian.services.ledger.sums.rollups import disagreements
from tests.unit.imports.making import Importer, jsonl
from tests.unit.imports.test_claude_code import rows

META = {"type": "session_meta", "timestamp": "2026-11-02T10:00:00Z", "payload": {"id": "s-7", "cwd": "/work/shop"}}
TURN = {"type": "turn_context", "timestamp": "2026-11-02T10:00:00Z", "payload": {"model": "gpt-5", "cwd": "/work/shop"}}


def usage(input: int, cached: int = 0, output: int = 0, reasoning: int = 0) -> dict[str, int]:
    return {
        "input_tokens": input,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": input + output,
    }


def count(second: int, total: dict[str, int] | None, last: dict[str, int] | None = None) -> dict[str, Any]:
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 272_000}
    return {
        "type": "event_msg",
        "timestamp": f"2026-11-02T10:00:{second:02d}.500Z",
        "payload": {"type": "token_count", "info": info, "rate_limits": {}},
    }


def record(second: int, response: str, used: dict[str, int]) -> dict[str, Any]:
    payload = {"response_id": response, "usage": used, "thread_token_usage": usage(999_999)}
    return {"type": "token_usage_record", "timestamp": f"2026-11-02T10:00:{second:02d}Z", "payload": payload}


def test_each_response_counts_once(session: Session, bring: Importer) -> None:
    first, second = usage(1_000, 0, 100, 60), usage(2_000, 1_200, 50, 0)
    both = usage(3_000, 1_200, 150, 60)
    lines = [META, TURN, count(1, first, first), count(2, first, first), count(3, both, second)]
    view = bring(jsonl(*lines))
    assert (view.format, view.rows_added, view.rows_refused) == ("codex", 2, 0)
    one, two = rows(session)
    assert (one.input_tokens, one.output_tokens, one.reasoning_tokens) == (1_000, 100, 60)
    assert (two.input_tokens, two.cache_read_tokens, two.output_tokens) == (2_000, 1_200, 50)
    # gpt-5: $1.25 in, $0.125 read, $10 out per million: 800 × 1.25 + 1,200 × 0.125 + 50 × 10 = 1,650 millionths
    assert (two.cost, two.cost_source, two.provider) == (Decimal("0.0016500000"), CostSource.COMPUTED, Provider.OPENAI)
    assert (two.session, two.tags) == (
        "s-7",
        {"agent": "codex", "cost_basis": "imputed", "project": "/work/shop"},
    )
    assert bring(jsonl(*lines, spaced=True)).rows_duplicate == 2
    assert disagreements(session) == []


def test_sums_alone_tell_what_each_response_used_by_their_growth(session: Session, bring: Importer) -> None:
    """Without `last_token_usage`; sums that begin anew are what a new response used, all of them."""
    sums = [usage(1_000, 0, 100, 60), usage(3_000, 1_200, 150, 60), usage(500, 0, 10)]
    bring(jsonl(META, TURN, *(count(second, total) for second, total in enumerate(sums, start=1))))
    told = [(row.input_tokens, row.cache_read_tokens, row.output_tokens, row.reasoning_tokens) for row in rows(session)]
    assert told == [(1_000, 0, 100, 60), (2_000, 1_200, 50, 0), (500, 0, 10, 0)]


def test_a_time_that_cannot_be_is_refused(session: Session, bring: Importer) -> None:
    strange = [
        {**record(1, f"resp_{year}", usage(10)), "timestamp": f"{year}-11-02T10:00:00Z"} for year in ("0001", "9998")
    ]
    view = bring(jsonl(META, TURN, *strange, record(2, "resp_2", usage(10))))
    assert (view.rows_added, view.rows_refused) == (1, 2)
    assert view.errors[0]["message"] == "The call is of the year 1, which cannot be."


def test_sums_that_begin_anew_after_a_resume_are_new_responses(session: Session, bring: Importer) -> None:
    view = bring(jsonl(META, TURN, count(1, usage(500), usage(500)), count(2, usage(300), usage(300))))
    assert view.rows_added == 2
    assert sum(row.input_tokens for row in rows(session)) == 800


def test_records_are_the_better_word(session: Session, bring: Importer) -> None:
    old, new = usage(500), usage(700, 100, 10)
    both = usage(1_200, 100, 10)
    lines = [META, TURN, count(1, old, old), record(2, "resp_1", new), count(2, both, new), record(3, "resp_2", new)]
    view = bring(jsonl(*lines))
    assert view.rows_added == 3
    assert sum(row.input_tokens for row in rows(session)) == 1_900
    # The same response in a copy of the session is the same call.
    copy = {**META, "payload": {"id": "s-8"}}
    assert bring(jsonl(copy, TURN, record(2, "resp_1", new))).rows_duplicate == 1


def test_a_child_does_not_count_what_its_parent_did(session: Session, bring: Importer) -> None:
    child = {**META, "payload": {"id": "s-9", "forked_from_id": "s-7", "cwd": "/work/shop"}}
    copied = [count(5, usage(500), usage(500)), count(5, usage(900), usage(400))]
    view = bring(jsonl(child, META, TURN, *copied, count(8, usage(1_000), usage(100))))
    assert (view.rows_added, view.rows_duplicate) == (1, 2)
    (row,) = rows(session)
    assert (row.input_tokens, row.session) == (100, "s-9")


def test_a_session_without_a_model_is_unpriced_and_not_free(session: Session, bring: Importer) -> None:
    bring(jsonl(META, count(1, usage(500), usage(500))))
    (row,) = rows(session)
    assert (row.model, row.cost, row.cost_source) == ("(not reported)", None, CostSource.UNPRICED)


def test_more_cached_than_sent_is_refused(session: Session, bring: Importer) -> None:
    view = bring(jsonl(META, TURN, count(1, usage(500, 600), usage(500, 600))))
    assert view.rows_refused == 1
    assert "exceed input_tokens by 100" in str(view.errors[0]["message"])
