"""Perplexity: every example body in scope over real HTTP, what proves a key, and that nothing is reported."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import Provider
from guardian.providers.base import BaseProvider
from guardian.providers.registry import describe
from guardian.providers.tracking import TrackedUsage
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.perplexity_api import KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import EXAMPLES, example

NOW = datetime(2026, 11, 1, tzinfo=UTC)
READ = {"agent_response.json", "embeddings.json", "error_401.json", "models.json", "search.json"}
ELSEWHERE = {"agent_response_stream.sse", "sonar_chat_completion_retired.json"}  # the gateway's, and old data


def test_every_example_is_tested_here_or_named_as_out_of_scope() -> None:
    assert {path.name for path in (EXAMPLES / "perplexity").iterdir()} == READ | ELSEWHERE


def test_nothing_is_reported_and_that_is_said(perplexity: BaseProvider) -> None:
    told = describe(Provider.PERPLEXITY)
    assert (told.reporting, perplexity.reports_of_key()) == (False, ())
    assert "through the gateway, or their usage to the ingest API" in told.no_reporting
    assert [kind.kind for kind in told.key_kinds] == ["inference"]
    with pytest.raises(errors.ValidationError, match="no usage report"):
        perplexity.get_usage(KEY, NOW, NOW + timedelta(days=1), "usage")
    with pytest.raises(errors.ValidationError, match="no cost report"):
        perplexity.get_costs(KEY, NOW, NOW + timedelta(days=1))
    assert list(perplexity.get_resources(KEY)) == []
    assert perplexity.get_balance(KEY) is None


def test_a_key_is_proven_where_the_models_are_refused_without_one(fake: FakeProvider, perplexity: BaseProvider) -> None:
    tested = perplexity.test_connection(KEY)
    assert (tested.success, tested.kind, tested.account_id) == (True, "inference", None)
    assert tested.message.startswith("This key works for inference.")
    assert [(r.path, "authorization" in r.headers) for r in fake.log] == [("/v1/models", True), ("/v1/models", False)]


def test_where_anybody_may_list_the_models_the_key_is_called_unproven(
    fake: FakeProvider, perplexity: BaseProvider
) -> None:
    fake.perplexity.open_models = True
    tested = perplexity.test_connection(KEY)
    assert tested.success
    assert "stored unproven" in tested.message
    assert fake.requests("/v1/responses") == []  # nobody was asked whether they would pay


def test_a_paid_call_proves_it_only_where_that_is_allowed(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    fake.perplexity.open_models = True
    paying = make_adapter(Provider.PERPLEXITY, metadata={"paidTest": "yes"})
    assert paying.test_connection(KEY).message.startswith("This key works for inference.")
    (call,) = fake.requests("/v1/responses")
    assert call.body == {"model": "perplexity/sonar", "input": "ping", "max_output_tokens": 16}
    bad = paying.test_connection("pplx-unknown0123456789")
    assert (bad.success, bad.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")


def test_a_bad_key_is_refused_in_json_or_by_a_page_of_the_edge(fake: FakeProvider, perplexity: BaseProvider) -> None:
    for page in (False, True):
        if page:
            fake.html("*", status=401)
        tested = perplexity.test_connection("pplx-unknown0123456789")
        assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")
        assert "wrong, revoked or expired" in tested.message


def test_a_page_of_a_firewall_says_nothing_about_the_key(fake: FakeProvider, perplexity: BaseProvider) -> None:
    fake.html("*", status=403)
    assert perplexity.test_connection(KEY).metadata["code"] == "PROVIDER_UNAVAILABLE"


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_account_without_credit_is_not_a_bad_key(fake: FakeProvider, perplexity: BaseProvider, status: int) -> None:
    fake.fail("*", status=status, body={"error": {"message": "Insufficient credits. Add some.", "type": "x"}})
    tested = perplexity.test_connection(KEY)
    assert tested.metadata["code"] == "PROVIDER_QUOTA_EXHAUSTED"
    assert "Insufficient credits" in tested.message


def test_a_refusal_of_its_framework_is_quoted(fake: FakeProvider, perplexity: BaseProvider) -> None:
    fake.fail("/v1/responses", status=422, body={"detail": [{"loc": ["body", "input"], "msg": "Field required"}]})
    with pytest.raises(errors.ProviderRequestRejected, match="Field required"):
        perplexity.make_request(KEY, "user_1", {"model": "perplexity/sonar"})


@pytest.mark.parametrize(
    ("name", "payload", "cost"),
    [
        ("agent_response", {"model": "perplexity/sonar", "input": "hi"}, "0.00590575"),
        ("embeddings", {"endpoint": "/v1/embeddings", "model": "pplx-embed-v1-4b", "input": "hi"}, "2.4e-07"),
        ("search", {"endpoint": "/search", "query": "hi"}, None),
    ],
)
def test_answers_are_tracked_at_the_cost_that_they_state_and_given_back_unchanged(
    perplexity: BaseProvider, tracked: list[TrackedUsage], name: str, payload: dict[str, Any], cost: str | None
) -> None:
    body = example(f"perplexity/{name}")
    assert perplexity.make_request(KEY, "user_1", payload) == body
    (one,) = tracked
    assert one.usage.provider_cost == (None if cost is None else Decimal(cost))
    assert (one.user_id, one.response_id, one.usage.requests) == ("user_1", body.get("id"), 1)
    assert one.usage.counts.problems() == []


def test_the_sonar_chat_is_no_more(fake: FakeProvider, perplexity: BaseProvider) -> None:
    for payload in ({"messages": []}, {"endpoint": "/chat/completions", "messages": []}):
        with pytest.raises(errors.ValidationError):
            perplexity.make_request(KEY, "user_1", {"model": "sonar", **payload})
    assert fake.log == []
