"""Anthropic, as the shared adapter suite needs to know it."""

from decimal import Decimal
from typing import Any

from guardian.models.enums import Provider
from guardian.records import UsageCounts
from tests.contracts.vendors.shape import (
    Call,
    CostReport,
    Names,
    State,
    UsageReport,
    Vendor,
    buckets_apart,
    data_page,
    in_results,
)
from tests.fakes.anthropic_api import ADMIN_KEY, ENTERPRISE_KEY, INFERENCE_KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example

_NOT_ADMIN = r"Create an Admin key"


def _revoke(fake: FakeProvider) -> None:
    fake.anthropic.keys[ADMIN_KEY].revoked = True


def _revoked(fake: FakeProvider) -> str:
    _revoke(fake)
    return ADMIN_KEY


def _plant(fake: FakeProvider, at: int, uncached: int, output: int, key: str) -> dict[str, Any]:
    return fake.anthropic.plant_message(
        at, uncached=uncached, output=output, api_key_id=key, model="claude-opus-5-5", service_tier="standard"
    )


_ANSWER = example("anthropic/message")

ANTHROPIC = Vendor(
    provider=Provider.ANTHROPIC,
    name="Anthropic",
    states={
        "good": State(lambda _: ADMIN_KEY, kind="admin"),
        "bad": State(_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
        "wrong kind": State(lambda _: INFERENCE_KEY, kind="inference", words="need an Admin key"),
        "blocked": State(lambda _: ENTERPRISE_KEY, code="PROVIDER_FORBIDDEN", words="does not let this key"),
    },
    call=Call(
        key=INFERENCE_KEY,
        payload={"model": "claude-opus-5-5", "max_tokens": 10, "messages": []},
        path="/v1/messages",
        model=_ANSWER["model"],
        # 504 uncached, 1000 read and 123 written are input
        counts=UsageCounts(
            input_tokens=1627,
            output_tokens=97,
            cache_read_tokens=1000,
            cache_write_5m_tokens=100,
            cache_write_1h_tokens=23,
            reasoning_tokens=40,
            units={"web_search_requests": Decimal(1)},
        ),
        response_id=_ANSWER["id"],
    ),
    usage=UsageReport(
        key=ADMIN_KEY,
        report="messages",
        path="/v1/organizations/usage_report/messages",
        plant=_plant,
        restate=lambda fake, row, output: fake.anthropic.usage.restate(row, output_tokens=output),
        delete=lambda fake, row: fake.anthropic.usage.delete(row),
        clear=lambda fake: fake.anthropic.usage.clear(),
        revoke=_revoke,
        key_of=lambda record: record.external_key_id,
        change=in_results,
        required=(
            "uncached_input_tokens",
            "cache_read_input_tokens",
            "cache_creation",
            "cache_creation.ephemeral_5m_input_tokens",
            "cache_creation.ephemeral_1h_input_tokens",
            "output_tokens",
        ),
        count_field="output_tokens",
        wrong_key=INFERENCE_KEY,
        wrong_key_words=_NOT_ADMIN,
        envelope=("data", "has_more"),
        small_pages=lambda _: None,
        pieces=buckets_apart,
        page=data_page,
    ),
    costs=CostReport(
        key=ADMIN_KEY,
        path="/v1/organizations/cost_report",
        plant=lambda fake, at, dollars, line: fake.anthropic.plant_cost(at, str(dollars * 100), line),
        change=in_results,
        required=("amount", "currency"),
        wrong_key=INFERENCE_KEY,
        wrong_key_words=_NOT_ADMIN,
        currency="currency",
    ),
    names=Names(key=ADMIN_KEY, path="/v1/organizations/workspaces", api="anthropic", revoke=_revoke),
)
