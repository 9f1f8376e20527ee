"""The vendors that the shared adapter suite runs for: one line here and one file beside this one for each.

A new vendor's file makes a `Vendor` (see shape.py) out of its fake server: the states that a key of it can be in, one
inference call, and, where it has them, a usage report, a cost report and names, each with the functions that plant rows
in the fake and change its answers. Its fake is an `Api` (tests/fakes/reporting.py) in FakeProvider.apis. The suite is
test_adapters*.py; what only one vendor does is tested beside it, in test_{vendor}_examples.py and tests/unit/providers.
"""

from datetime import UTC, datetime, timedelta

from guardian.providers.base import BaseProvider
from guardian.records import CostBucket, UsageBucket
from tests.contracts.vendors.anthropic import ANTHROPIC
from tests.contracts.vendors.custom import DEEPSEEK, OPENROUTER, PLAIN
from tests.contracts.vendors.google import GOOGLE
from tests.contracts.vendors.openai import OPENAI
from tests.contracts.vendors.perplexity import PERPLEXITY
from tests.contracts.vendors.shape import CostReport, UsageReport, Vendor
from tests.contracts.vendors.xai import XAI

VENDORS = (
    OPENAI,
    ANTHROPIC,
    GOOGLE,
    XAI,
    PERPLEXITY,
    PLAIN,
    OPENROUTER,
    DEEPSEEK,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Three weeks ago, of which the suite reads twenty days: of what is long ago, some vendors keep nothing.
DAY0 = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 21 * DAY
T0 = int(DAY0.timestamp())


def usage_report(vendor: Vendor) -> UsageReport:
    assert vendor.usage is not None
    return vendor.usage


def cost_report(vendor: Vendor) -> CostReport:
    assert vendor.costs is not None
    return vendor.costs


def usage(adapter: BaseProvider, vendor: Vendor, days: int = 2, key: str | None = None) -> list[UsageBucket]:
    report = usage_report(vendor)
    return list(adapter.get_usage(key or report.key, DAY0, DAY0 + days * DAY, report.report))


def costs(adapter: BaseProvider, vendor: Vendor, days: int = 2, key: str | None = None) -> list[CostBucket]:
    return list(adapter.get_costs(key or cost_report(vendor).key, DAY0, DAY0 + days * DAY))
