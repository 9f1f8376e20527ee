"""OpenAI, as the shared adapter suite needs to know it."""

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
from tests.fakes.openai_api import ADMIN_KEY, PROJECT_KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example

_NOT_ADMIN = r"Create an admin key"


def _revoke(fake: FakeProvider) -> None:
    fake.openai.keys[ADMIN_KEY].revoked = True


def _revoked(fake: FakeProvider) -> str:
    _revoke(fake)
    return ADMIN_KEY


def _without_scope(fake: FakeProvider) -> str:
    fake.openai.keys[ADMIN_KEY].missing_scope = "api.usage.read"
    return ADMIN_KEY


def _plant(fake: FakeProvider, at: int, uncached: int, output: int, key: str) -> dict[str, Any]:
    return fake.openai.plant_completion(at, uncached=uncached, output=output, api_key_id=key, model="gpt-6-sol")


_ANSWER = example("openai/chat_completion")

OPENAI = Vendor(
    provider=Provider.OPENAI,
    name="OpenAI",
    states={
        "good": State(lambda _: ADMIN_KEY, kind="admin"),
        "bad": State(_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
        "wrong kind": State(lambda _: PROJECT_KEY, kind="inference", words="need an admin key"),
        "blocked": State(_without_scope, code="PROVIDER_FORBIDDEN", words="lacks the permission"),
    },
    call=Call(
        key=PROJECT_KEY,
        payload={"model": "gpt-6-sol", "messages": [{"role": "user", "content": "Hello"}]},
        path="/chat/completions",
        model=_ANSWER["model"],
        counts=UsageCounts(input_tokens=19, output_tokens=10),
        response_id=_ANSWER["id"],
    ),
    usage=UsageReport(
        key=ADMIN_KEY,
        report="completions",
        path="/organization/usage/completions",
        plant=_plant,
        restate=lambda fake, row, output: fake.openai.usage["completions"].restate(row, output_tokens=output),
        delete=lambda fake, row: fake.openai.usage["completions"].delete(row),
        clear=lambda fake: fake.openai.usage["completions"].clear(),
        revoke=_revoke,
        key_of=lambda record: record.external_key_id,
        change=in_results,
        required=("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests"),
        count_field="output_tokens",
        wrong_key=PROJECT_KEY,
        wrong_key_words=_NOT_ADMIN,
        envelope=("data", "has_more"),
        small_pages=lambda _: None,
        pieces=buckets_apart,
        page=data_page,
    ),
    costs=CostReport(
        key=ADMIN_KEY,
        path="/organization/costs",
        plant=lambda fake, at, dollars, line: fake.openai.plant_cost(at, dollars, line, project_id="proj_web"),
        change=in_results,
        required=("amount", "amount.value", "amount.currency"),
        wrong_key=PROJECT_KEY,
        wrong_key_words=_NOT_ADMIN,
        amount_field="amount.value",
        currency="amount.currency",
    ),
    names=Names(key=ADMIN_KEY, path="/organization/projects", api="openai", revoke=_revoke),
)
