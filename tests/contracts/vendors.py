"""What the shared adapter suite needs to know of each vendor, one entry per vendor, and how it asks for reports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from guardian.models.enums import Provider
from guardian.providers.base import BaseProvider
from guardian.records import CostBucket, UsageBucket
from tests.fakes import anthropic_api, openai_api
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import Key, Table


@dataclass(frozen=True)
class Vendor:
    """`plant(fake, at, uncached, output, key)` adds a usage row, `plant_cost(fake, at, dollars, line)` a billed one.

    `required` and `cost_required` are the fields without which a row cannot be understood.
    """

    provider: Provider
    name: str
    admin_key: str
    inference_key: str
    report: str
    usage_path: str
    cost_path: str
    names_path: str
    usage: Callable[[FakeProvider], Table]
    plant: Callable[[FakeProvider, int, int, int, str], dict[str, Any]]
    plant_cost: Callable[[FakeProvider, int, Decimal, str], dict[str, Any]]
    keys: Callable[[FakeProvider], dict[str, Key]]
    required: tuple[str, ...]
    cost_required: tuple[str, ...]
    output_field: str = "output_tokens"


OPENAI = Vendor(
    provider=Provider.OPENAI,
    name="OpenAI",
    admin_key=openai_api.ADMIN_KEY,
    inference_key=openai_api.PROJECT_KEY,
    report="completions",
    usage_path="/organization/usage/completions",
    cost_path="/organization/costs",
    names_path="/organization/projects",
    usage=lambda fake: fake.openai.usage["completions"],
    plant=lambda fake, at, uncached, output, key: fake.openai.plant_completion(
        at, uncached=uncached, output=output, api_key_id=key, model="gpt-6-sol"
    ),
    plant_cost=lambda fake, at, dollars, line: fake.openai.plant_cost(at, dollars, line, project_id="proj_web"),
    keys=lambda fake: fake.openai.keys,
    required=("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests"),
    cost_required=("amount", "amount.value", "amount.currency"),
)

ANTHROPIC = Vendor(
    provider=Provider.ANTHROPIC,
    name="Anthropic",
    admin_key=anthropic_api.ADMIN_KEY,
    inference_key=anthropic_api.INFERENCE_KEY,
    report="messages",
    usage_path="/v1/organizations/usage_report/messages",
    cost_path="/v1/organizations/cost_report",
    names_path="/v1/organizations/workspaces",
    usage=lambda fake: fake.anthropic.usage,
    plant=lambda fake, at, uncached, output, key: fake.anthropic.plant_message(
        at, uncached=uncached, output=output, api_key_id=key, model="claude-opus-5-5", service_tier="standard"
    ),
    plant_cost=lambda fake, at, dollars, line: fake.anthropic.plant_cost(at, str(dollars * 100), line),
    keys=lambda fake: fake.anthropic.keys,
    required=(
        "uncached_input_tokens",
        "cache_read_input_tokens",
        "cache_creation",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_1h_input_tokens",
        "output_tokens",
    ),
    cost_required=("amount", "currency"),
)

VENDORS = (OPENAI, ANTHROPIC)

DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
T0 = int(DAY0.timestamp())


def usage(adapter: BaseProvider, vendor: Vendor, days: int = 2, key: str | None = None) -> list[UsageBucket]:
    return list(adapter.get_usage(key or vendor.admin_key, DAY0, DAY0 + days * DAY, vendor.report))


def costs(adapter: BaseProvider, vendor: Vendor, days: int = 2) -> list[CostBucket]:
    return list(adapter.get_costs(vendor.admin_key, DAY0, DAY0 + days * DAY))
