"""Every example body of compatible servers that is in scope, through the CUSTOM adapter over real HTTP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import Provider
from guardian.periods import Window
from guardian.providers.base import BaseProvider
from guardian.providers.tracking import TrackedUsage
from guardian.records import Balance, CostRecord, UsageCounts, UsageRecord
from tests.fakes import compatible_api as fakes
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import EXAMPLES, example

DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

READ = {
    "deepseek_chat.json",
    "deepseek_user_balance.json",
    "mistral_chat.json",
    "openrouter_activity.json",
    "openrouter_credits.json",
    "openrouter_key.json",
}
ELSEWHERE = {  # streams, and an API of its own: the gateway's
    "azure_stream.sse",
    "ollama_native_chat_last_line.json",
    "openrouter_chat_final_chunk.json",
    "vllm_stream_continuous_usage.sse",
}


def test_every_example_is_tested_here_or_named_as_out_of_scope() -> None:
    assert {path.name for path in (EXAMPLES / "openai_compatible").iterdir()} == READ | ELSEWHERE


@pytest.fixture
def openrouter(fake: FakeProvider, make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(Provider.CUSTOM, metadata={"preset": "openrouter", "baseUrl": fake.url("openrouter")})


@pytest.fixture
def deepseek(fake: FakeProvider, make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(Provider.CUSTOM, metadata={"preset": "deepseek", "baseUrl": fake.url("deepseek") + "/v1"})


# OpenRouter


def test_openrouters_keys_are_told_apart(fake: FakeProvider, openrouter: BaseProvider) -> None:
    admin = openrouter.test_connection(fakes.ROUTER_ADMIN_KEY)
    assert (admin.success, admin.kind, admin.account_name) == (True, "admin", "OpenRouter")
    assert admin.balance == Balance(Decimal("74.75"))  # 100.5 credits bought, 25.75 used
    inference = openrouter.test_connection(fakes.ROUTER_KEY)
    assert (inference.success, inference.kind, inference.balance) == (True, "inference", None)
    assert inference.account_id == admin.account_id == fake.url("openrouter")[7:].removesuffix("/v1")
    fake.openrouter.keys[fakes.ROUTER_KEY].revoked = True
    bad = openrouter.test_connection(fakes.ROUTER_KEY)
    assert (bad.success, bad.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")


def test_openrouters_activity_is_reported_with_what_it_cost(fake: FakeProvider, openrouter: BaseProvider) -> None:
    day = TODAY - 2 * DAY
    fake.openrouter.load_examples(day)
    buckets = list(openrouter.get_usage(fakes.ROUTER_ADMIN_KEY, day - DAY, day + DAY, "activity"))
    assert [(b.series, b.start, b.end) for b in buckets] == [
        ("activity", day - DAY, day),
        ("activity", day, day + DAY),
    ]
    facts = {"endpoint_id": "550e8400-e29b-41d4-a716-446655440000", "provider_name": "OpenAI"}
    assert buckets[0].records == ()
    assert buckets[1].records == (
        UsageRecord(
            provider=Provider.CUSTOM,
            operation="completion",
            model="openai/gpt-6-sol",
            start=day,
            end=day + DAY,
            counts=UsageCounts(input_tokens=50_000, output_tokens=1_250, reasoning_tokens=250),
            requests=5,
            dimensions=facts,
            provider_cost=Decimal("0.015"),
        ),
    )
    (_, billed) = openrouter.get_costs(fakes.ROUTER_ADMIN_KEY, day - DAY, day + DAY)
    assert billed.records == (
        CostRecord(
            provider=Provider.CUSTOM,
            start=day,
            end=day + DAY,
            amount=Decimal("0.015"),
            line_item="openai/gpt-6-sol",
            model="openai/gpt-6-sol",
            dimensions=facts,
        ),
    )


def test_what_is_paid_with_a_key_of_ones_own_is_spend_too(fake: FakeProvider, openrouter: BaseProvider) -> None:
    """5 % fee to OpenRouter, 95 % to the vendor: usage and bill say the same."""
    day = TODAY - DAY
    at = int(day.timestamp())
    fake.openrouter.plant(at, prompt=10, completion=5, usage=Decimal("0.05"), byok_usage_inference=Decimal("0.95"))
    (bucket,) = openrouter.get_usage(fakes.ROUTER_ADMIN_KEY, day, TODAY, "activity")
    assert [r.provider_cost for r in bucket.records] == [Decimal("1.00")]
    (billed,) = openrouter.get_costs(fakes.ROUTER_ADMIN_KEY, day, TODAY)
    assert [(r.line_item, r.amount) for r in billed.records] == [
        ("openai/gpt-6-sol", Decimal("0.05")),
        ("openai/gpt-6-sol, paid at OpenAI with your own key", Decimal("0.95")),
    ]


def test_only_completed_days_that_are_still_known_are_spoken_of(fake: FakeProvider, openrouter: BaseProvider) -> None:
    """A day that is not known must stay as it was: an empty bucket would wipe it out."""
    days = [b.start for b in openrouter.get_usage(fakes.ROUTER_ADMIN_KEY, TODAY - 90 * DAY, TODAY + DAY, "activity")]
    assert (days[0], days[-1], len(days)) == (TODAY - 30 * DAY, TODAY - DAY, 30)
    assert len(fake.requests("/activity")) == 1
    assert list(openrouter.get_usage(fakes.ROUTER_ADMIN_KEY, TODAY - 90 * DAY, TODAY - 40 * DAY, "activity")) == []
    assert list(openrouter.get_costs(fakes.ROUTER_ADMIN_KEY, TODAY, TODAY + DAY)) == []
    assert len(fake.requests("/activity")) == 1
    now = TODAY + timedelta(hours=7)
    assert openrouter.reported(Window(TODAY - 90 * DAY, now)) == Window(TODAY - 30 * DAY, TODAY)
    assert openrouter.reported(Window(TODAY, now)) == Window(TODAY, TODAY)


def test_rows_of_one_day_and_endpoint_are_one(fake: FakeProvider, openrouter: BaseProvider) -> None:
    row = example("openai_compatible/openrouter_activity")["data"][0] | {"date": f"{TODAY - DAY:%Y-%m-%d} 00:00:00"}
    fake.alter("/activity", lambda body: body["data"].extend([row, row]))
    (bucket,) = openrouter.get_usage(fakes.ROUTER_ADMIN_KEY, TODAY - DAY, TODAY, "activity")
    (record,) = bucket.records
    assert (record.requests, record.counts.input_tokens, record.provider_cost) == (10, 100_000, Decimal("0.030"))


def test_an_inference_key_is_told_which_key_reads_usage(fake: FakeProvider, openrouter: BaseProvider) -> None:
    with pytest.raises(errors.ProviderWrongKeyKind, match=r"Create an admin key \(OpenRouter says management key\)"):
        list(openrouter.get_usage(fakes.ROUTER_KEY, TODAY - DAY, TODAY, "activity"))
    with pytest.raises(errors.ProviderKeyRejected):
        list(openrouter.get_costs("sk-or-v1-unknown", TODAY - DAY, TODAY))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt_tokens": -1}, "prompt_tokens that is not a whole number"),
        ({"completion_tokens": None}, "lacks the field completion_tokens"),
        ({"usage": "x"}, "usage that is not a number"),
        ({"date": "yesterday"}, "date that is not a day"),
        ({"reasoning_tokens": 9_999}, "completion_tokens that is not sound"),
        ({"model": None}, "lacks the field model"),
    ],
    ids=str,
)
def test_activity_that_cannot_be_trusted_is_refused(
    fake: FakeProvider, openrouter: BaseProvider, change: dict[str, Any], words: str
) -> None:
    fake.openrouter.plant(int((TODAY - DAY).timestamp()), prompt=10, completion=5, usage=1)
    fake.alter("/activity", lambda body: body["data"][0].update(change))
    with pytest.raises(errors.ProviderContractBroken, match=words):
        list(openrouter.get_usage(fakes.ROUTER_ADMIN_KEY, TODAY - DAY, TODAY, "activity"))


# DeepSeek


def test_deepseek_tells_its_balance(fake: FakeProvider, deepseek: BaseProvider) -> None:
    tested = deepseek.test_connection(fakes.DEEPSEEK_KEY)
    assert (tested.success, tested.kind, tested.balance) == (True, "inference", Balance(Decimal("110.00"), "USD"))
    assert "reports no usage" in deepseek.why_no_reports("inference", deepseek.metadata)
    assert (deepseek.reports_of_key(), deepseek.get_balance(fakes.DEEPSEEK_KEY)) == ((), tested.balance)
    fake.deepseek.balance["balance_infos"] = [
        {"currency": "CNY", "total_balance": "3.50"},
        {"currency": "USD", "total_balance": "0.00"},
    ]
    assert deepseek.get_balance(fakes.DEEPSEEK_KEY) == Balance(Decimal("3.50"), "CNY")
    fake.deepseek.balance["is_available"] = False
    assert deepseek.test_connection(fakes.DEEPSEEK_KEY).metadata["code"] == "PROVIDER_QUOTA_EXHAUSTED"
    assert deepseek.test_connection("sk-unknown0123").metadata["code"] == "PROVIDER_KEY_REJECTED"


def test_deepseeks_cache_hits_are_counted_once(deepseek: BaseProvider, tracked: list[TrackedUsage]) -> None:
    body = example("openai_compatible/deepseek_chat")
    assert deepseek.make_request(fakes.DEEPSEEK_KEY, "user_1", {"model": "deepseek-chat", "messages": []}) == body
    assert tracked[0].usage.counts == UsageCounts(input_tokens=1100, output_tokens=20, cache_read_tokens=1024)


# A plain server


def test_a_plain_servers_answer_is_tracked(
    fake: FakeProvider, make_adapter: MakeAdapter, tracked: list[TrackedUsage]
) -> None:
    adapter = make_adapter(Provider.CUSTOM, metadata={"baseUrl": fake.url("plain")})
    body = example("openai_compatible/mistral_chat")
    assert adapter.make_request(fakes.KEY, "user_1", {"model": "mistral-large-latest", "messages": []}) == body
    (one,) = tracked
    assert one.usage.counts == UsageCounts(input_tokens=16, output_tokens=34)
    assert (one.usage.provider, one.usage.model, one.usage.provider_cost) == (
        Provider.CUSTOM,
        "mistral-large-latest",
        None,
    )
