"""Every xAI example body that is in scope, through the adapter over real HTTP, and its four units of money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import CostSource, Provider, ResourceKind
from guardian.providers.base import BaseProvider
from guardian.providers.tracking import TrackedUsage
from guardian.records import Balance, CostRecord, NamedResource
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import EXAMPLES, example
from tests.fakes.xai_api import INFERENCE_KEY, MANAGEMENT_KEY, TEAM

DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
USAGE = f"/v1/billing/teams/{TEAM}/usage"
KEY_ID = "ae1e1841-4326-4b36-a8a9-8a1a7237db11"

READ = {
    "api_key.json",
    "chat_completion.json",
    "error_400_bad_key.json",
    "error_429.json",
    "management_key_validation.json",
    "postpaid_invoice_preview.json",  # by the test of the units only: nothing shows it
    "prepaid_balance.json",
    "response.json",
    "usage_request.json",
    "usage_response.json",
}
ELSEWHERE = {"chat_completion_stream.sse", "spending_limits.json"}  # the gateway's, and limits that no page shows


def test_every_example_is_tested_here_or_named_as_out_of_scope() -> None:
    assert {path.name for path in (EXAMPLES / "xai").iterdir()} == READ | ELSEWHERE


def line(day: int, amount: str, item: str, **values: Any) -> CostRecord:
    start = DAY0 + day * DAY
    return CostRecord(
        provider=Provider.XAI,
        start=start,
        end=start + DAY,
        amount=Decimal(amount),
        line_item=item,
        external_key_id=KEY_ID,
        **values,
    )


def test_the_billing_usage_to_the_cent(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.refused_values.add("usage")  # the example answers a question for dollars only
    fake.alter(USAGE, lambda _body: example("xai/usage_response"))
    days = list(xai.get_costs(MANAGEMENT_KEY, DAY0, DAY0 + 2 * DAY))
    assert [(d.start, d.end) for d in days] == [(DAY0, DAY0 + DAY), (DAY0 + DAY, DAY0 + 2 * DAY)]
    tokens = {"model": "grok-4.3", "cost_type": "tokens", "token_type": "text_output_tokens"}
    assert days[0].records == (
        line(0, "1.25", "grok-4.3 text output tokens", **tokens),
        line(0, "0.015", "Web Search", cost_type="web_search"),
    )
    # The zero of the tokens' second day is no line of the bill.
    assert days[1].records == (line(1, "0.005", "Web Search", cost_type="web_search"),)


def test_the_question_is_that_of_the_example(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.refused_values.add("usage")
    list(xai.get_costs(MANAGEMENT_KEY, DAY0, DAY0 + 2 * DAY))
    *_, last = fake.requests(USAGE)
    assert last.body == example("xai/usage_request")
    assert last.method == "POST"


def test_the_example_points_planted_in_the_fake_come_out_in_their_own_days(
    fake: FakeProvider, xai: BaseProvider
) -> None:
    fake.load_examples("xai-management")
    days = list(xai.get_costs(MANAGEMENT_KEY, DAY0, DAY0 + 3 * DAY))
    assert [sum(r.amount for r in d.records) for d in days] == [Decimal("1.265"), Decimal("0.005"), 0]


def test_prepaid_credit_has_its_sign_turned(fake: FakeProvider, xai: BaseProvider) -> None:
    """Bought −5,000 cents, spent 2,500 cents, total −2,500 cents: $25.00 are left."""
    assert xai.get_balance(MANAGEMENT_KEY) == Balance(Decimal("25.00"), "USD")


def test_four_units_of_money_say_the_same(fake: FakeProvider, xai: BaseProvider, tracked: list[TrackedUsage]) -> None:
    """Half a million output tokens at 250 millionths of a cent are 125 cents, and $1.25 in the billing usage.

    And 5,101,000 ticks are $0.0005101: 36 tokens at $1.25, 163 cached at $0.20, 173 of output at $2.50 per million.
    """
    (invoiced,) = example("xai/postpaid_invoice_preview")["coreInvoice"]["lines"]
    micro_cents = Decimal(invoiced["unitPrice"]) * Decimal(invoiced["numUnits"])
    assert micro_cents / 10**6 == Decimal(invoiced["amount"]) == 125
    fake.load_examples("xai-management")
    days = list(xai.get_costs(MANAGEMENT_KEY, DAY0, DAY0 + DAY))
    assert [r.amount for d in days for r in d.records if r.line_item == invoiced["description"]] == [
        Decimal(invoiced["amount"]) / 100
    ]
    xai.make_request(INFERENCE_KEY, "user_1", {"model": "grok-4.3", "messages": []})
    (call,) = tracked
    ticks = example("xai/chat_completion")["usage"]["cost_in_usd_ticks"]
    by_hand = (36 * Decimal("1.25") + 163 * Decimal("0.20") + 173 * Decimal("2.50")) / 10**6
    assert call.usage.provider_cost == Decimal(ticks).scaleb(-10) == by_hand == Decimal("0.0005101")


def test_both_kinds_of_key_and_their_team(xai: BaseProvider) -> None:
    admin, inference = xai.test_connection(MANAGEMENT_KEY), xai.test_connection(INFERENCE_KEY)
    assert (admin.success, admin.kind, admin.account_id) == (True, "admin", TEAM)
    assert admin.balance == Balance(Decimal(25))
    assert (inference.success, inference.kind, inference.account_id) == (True, "inference", TEAM)
    assert inference.balance is None


def test_names(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.load_examples("xai-management")
    assert list(xai.get_resources(MANAGEMENT_KEY)) == [
        NamedResource(kind=ResourceKind.API_KEY, external_id=KEY_ID, name="prod", masked="xai-...b14o"),
        NamedResource(
            kind=ResourceKind.API_KEY,
            external_id="11111111-2222-4333-8444-555555555555",
            name="idle",
            masked="xai-...idle",
        ),
    ]


def test_the_example_refusals(fake: FakeProvider, xai: BaseProvider, sleeps: list[float]) -> None:
    tested = xai.test_connection("xai-unknown-0123456789")
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")
    assert "wrong, revoked or expired" in tested.message
    assert "xa***23" not in tested.message
    fake.fail("/chat/completions", status=429, body=example("xai/error_429"))
    with pytest.raises(errors.ProviderRateLimited, match="limits how often"):
        xai.make_request(INFERENCE_KEY, "user_1", {"model": "grok-4.3", "messages": []})
    assert len(sleeps) == 2


@pytest.mark.parametrize(
    ("name", "payload", "cost"),
    [
        ("chat_completion", {"model": "grok-4.3", "messages": []}, "0.0005101"),
        ("response", {"model": "grok-4.3", "input": "hi"}, "0.0105101"),  # with two tool calls of half a cent
    ],
)
def test_inference_answers_are_tracked_and_given_back_unchanged(
    xai: BaseProvider, tracked: list[TrackedUsage], name: str, payload: dict[str, Any], cost: str
) -> None:
    body = example(f"xai/{name}")
    assert xai.make_request(INFERENCE_KEY, "user_1", payload) == body
    (one,) = tracked
    counts = one.usage.counts
    assert (counts.input_tokens, counts.cache_read_tokens) == (199, 163)
    assert (counts.output_tokens, counts.reasoning_tokens) == (173, 164)  # chat leaves reasoning out of completion
    assert (one.usage.model, one.usage.provider_cost) == ("grok-4.3", Decimal(cost))
    assert (one.user_id, one.response_id, one.status_code) == ("user_1", body["id"], 200)
    assert (one.cost.source, counts.problems()) == (
        CostSource.COMPUTED,
        [],
    )  # the pricer of these tests knows one price
