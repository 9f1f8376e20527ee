"""LiteLLM's spend logs, as JSON lines and as CSV: the same calls, priced here."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from guardian.models import ApiKey
from guardian.models.enums import CostSource, Provider
from guardian.services.ledger.bills.short import price_of
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.sums.rollups import disagreements
from tests.conftest import People
from tests.unit.imports.making import Importer, jsonl
from tests.unit.imports.test_claude_code import rows


def log(**changes: Any) -> dict[str, Any]:
    usage = {
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 600},
        "completion_tokens_details": {"reasoning_tokens": 40},
    }
    return {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "spend": 0.001575,
        "total_tokens": 1_100,
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        "startTime": "2026-11-02T10:00:00.500Z",
        "endTime": "2026-11-02T10:00:02.000Z",
        "model": "gpt-5",
        "custom_llm_provider": "openai",
        "user": "u-1",
        "metadata": {"usage_object": usage},
        "cache_hit": "False",
        "request_tags": ["prod", "feature=search"],
        "team_id": "web",
        "end_user": "customer-1",
        "session_id": "sess-1",
        "status": "success",
        **changes,
    }


def as_csv(*logs: dict[str, Any]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(logs[0]))
    writer.writeheader()
    for each in logs:
        writer.writerow({k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in each.items()})
    return buffer.getvalue().encode()


@pytest.mark.parametrize("form", ["compact", "spaced", "csv"])
def test_a_log_is_a_priced_call(session: Session, bring: Importer, form: str) -> None:
    content = as_csv(log()) if form == "csv" else jsonl(log(), spaced=form == "spaced")
    view = bring(content)
    assert (view.format, view.rows_added, view.errors) == ("litellm", 1, ())
    (row,) = rows(session)
    assert (row.input_tokens, row.cache_read_tokens, row.reasoning_tokens, row.output_tokens) == (1_000, 600, 40, 100)
    # gpt-5: 400 × $1.25 + 600 × $0.125 + 100 × $10 per million = 1,575 millionths
    assert (row.cost, row.cost_source) == (Decimal("0.0015750000"), CostSource.COMPUTED)
    assert row.tags == {"team": "web", "end_user": "customer-1", "prod": "true", "feature": "search"}
    assert (row.session, row.response_time, row.external_user_id) == ("sess-1", 1_500, "u-1")
    assert (row.meta or {})["litellmSpend"] == "0.001575"
    assert bring(jsonl(log(spend=7))).rows_duplicate == 1
    assert disagreements(session) == []


def test_its_own_figure_counts_only_where_no_price_is_known(session: Session, bring: Importer) -> None:
    unknown = log(request_id="2", model="llama-at-home", custom_llm_provider="ollama", spend="1.5e-3")
    free = log(request_id="3", model="llama-at-home", custom_llm_provider="ollama", spend=0.0)
    bring(jsonl(unknown, free))
    priced, unpriced = sorted(rows(session), key=lambda row: row.cost is None)
    assert (priced.cost, priced.cost_source) == (Decimal("0.0015000000"), CostSource.ESTIMATED)
    assert "LiteLLM's own figure" in (priced.cost_reason or "")
    # It writes 0.0 for a model that it does not know: unknown is never zero.
    assert (unpriced.cost, unpriced.cost_source, unpriced.provider) == (None, CostSource.UNPRICED, Provider.CUSTOM)


def test_answers_from_its_cache_are_left_out_and_counted(session: Session, bring: Importer) -> None:
    view = bring(jsonl(log(cache_hit="True", spend=0.0), log(request_id="2")))
    assert (view.rows_added, view.rows_skipped, view.rows_read) == (1, 1, 2)
    assert view.notes == ("1 row is left out, answered by LiteLLM from its cache: no provider was called.",)


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("anthropic/claude-opus-4-5", "anthropic", (Provider.ANTHROPIC, "claude-opus-4-5")),
        ("gemini/gemini-2.5-pro", "", (Provider.GOOGLE, "gemini-2.5-pro")),
        ("claude-opus-4-5", "", (Provider.ANTHROPIC, "claude-opus-4-5")),
        ("grok-4", "xai", (Provider.XAI, "grok-4")),
        ("bedrock/claude-x", "bedrock", (Provider.CUSTOM, "claude-x")),
    ],
)
def test_whose_model_it_is(
    session: Session, bring: Importer, model: str, provider: str, expected: tuple[Provider, str]
) -> None:
    bring(jsonl(log(model=model, custom_llm_provider=provider, metadata={})))
    (row,) = rows(session)
    assert (row.provider, row.model) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt_tokens": -1}, "prompt_tokens is negative"),
        ({"prompt_tokens": "1,000"}, "prompt_tokens is '1,000', not a whole number"),
        ({"prompt_tokens": 10.5}, "prompt_tokens is '10.5', not a whole number"),
        ({"prompt_tokens": 500}, "exceed input_tokens by 100"),
        ({"spend": "NaN"}, "spend is 'NaN', not a number"),
        ({"spend": "$1.20"}, "Write it without thousands separators or signs"),
        ({"spend": "1e12"}, "which cannot be"),
        ({"spend": "-0.5", "model": "nobody-knows"}, "One call cannot cost -0.5 dollars"),
        ({"session_id": "s" * 501}, "longer than 500 characters"),
        ({"startTime": "yesterday"}, "startTime is 'yesterday', not a time"),
        ({"startTime": None}, "The column startTime is empty"),
        ({"request_id": ""}, "The column request_id is empty"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(
    session: Session, bring: Importer, change: dict[str, Any], said: str
) -> None:
    view = bring(jsonl(log(), log(**{"request_id": "2", **change}), log(request_id="3")))
    assert (view.rows_added, view.rows_refused) == (2, 1)
    assert view.errors[0]["line"] == 2
    assert said in str(view.errors[0]["message"])


def test_counts_as_texts_and_with_exponents_are_the_same_numbers(session: Session, bring: Importer) -> None:
    bring(jsonl(log(prompt_tokens="1e3", completion_tokens="100.0", total_tokens="1100")))
    (row,) = rows(session)
    assert (row.input_tokens, row.output_tokens) == (1_000, 100)


def test_a_total_that_disagrees_and_a_duration_that_cannot_be(session: Session, bring: Importer) -> None:
    """The parts are billed; a duration is nothing that a call is refused for."""
    bring(jsonl(log(total_tokens=1_200), log(request_id="2", request_duration_ms="99999999999999")))
    # Of one moment: their ids, which hold a random organization, say nothing of their order.
    doubtful, long = sorted(rows(session), key=lambda row: row.cost_reason is None)
    assert (doubtful.total_tokens, doubtful.cost_source) == (1_100, CostSource.ESTIMATED)
    assert doubtful.cost_reason == "Total_tokens is 1200, but its parts add up to 1100; the parts are used."
    assert (long.cost, long.cost_source, long.response_time) == (doubtful.cost, CostSource.COMPUTED, None)


def test_the_keys_own_prices_hold_for_its_calls(session: Session, people: People, bring: Importer) -> None:
    row = ApiKey(
        provider=Provider.CUSTOM,
        encrypted_key="00",
        iv="00",
        tag="00",
        label="at home",
        user_id=people.alice.user_id,
        organization_id=people.alice.organization_id,
        meta={"baseUrl": "https://llm.example.com/v1", "prices": "llama-* input 2 cached 1 output 8"},
    )
    session.add(row)
    session.commit()
    bring(jsonl(log(model="llama-at-home", custom_llm_provider="ollama", spend="1.5e-3")), key_label="at home")
    (call,) = rows(session)
    # 400 × $2 + 600 × $1 + 100 × $8 per million = 2,200 millionths
    assert (call.api_key_id, call.cost) == (row.id, Decimal("0.0022000000"))
    assert price_of(read_shared(session, [call.price_id])[call.price_id or 0]).source == "key"
