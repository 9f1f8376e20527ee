"""The company of the demonstration: what its applications call, how much, when, and what that costs.

Nothing here knows the product: it is what would be outside of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

NAME = "Northwind"


class Vendor(StrEnum):
    OPENAI = "OPENAI"
    ANTHROPIC = "ANTHROPIC"


VENDOR_NAMES: Mapping[Vendor, str] = {Vendor.OPENAI: "OpenAI", Vendor.ANTHROPIC: "Anthropic"}


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens."""

    input: Decimal
    cached: Decimal
    output: Decimal


# As in the providers' price lists; a test holds them to the catalogue that the product prices with.
PRICES: Mapping[str, Price] = {
    "gpt-5-mini": Price(Decimal("0.25"), Decimal("0.025"), Decimal(2)),
    "gpt-5.2": Price(Decimal("1.75"), Decimal("0.175"), Decimal(14)),
    "claude-haiku-4-5": Price(Decimal(1), Decimal("0.1"), Decimal(5)),
    "claude-sonnet-5": Price(Decimal(2), Decimal("0.2"), Decimal(10)),
    "claude-opus-5": Price(Decimal(5), Decimal("0.5"), Decimal(25)),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """What one application calls. `busy` and `quiet` are calls an hour on a working day and at other times.

    `only_hours` (UTC) and `only_weekdays` (Monday is 0) narrow it down. `told` ones tell each call to our product by
    themselves; the others are known from the provider's report only, as calls that bypass the gateway are.
    """

    name: str
    vendor: Vendor
    project: str
    key: str
    model: str
    busy: int
    quiet: int
    input: tuple[int, int]
    output: tuple[int, int]
    cached_share: float = 0.0
    only_hours: tuple[int, ...] = ()
    only_weekdays: tuple[int, ...] = ()
    told: bool = False


FLOWS: tuple[Flow, ...] = (
    Flow("web search", Vendor.OPENAI, "proj_web", "key_web", "gpt-5-mini", 420, 60, (900, 2_400), (120, 420), 0.3),
    Flow(
        "document reader",
        Vendor.OPENAI,
        "proj_docs",
        "key_docs",
        "gpt-5.2",
        260,
        180,
        (7_000, 14_000),
        (500, 1_200),
        only_hours=(1, 2),
    ),
    Flow(
        "support", Vendor.ANTHROPIC, "wrkspc_support", "apikey_support", "claude-haiku-4-5", 150, 25, (1_500, 4_000),
        (200, 600), 0.4,
    ),
    Flow(
        "coding agents", Vendor.ANTHROPIC, "wrkspc_engineering", "apikey_agents", "claude-sonnet-5", 9, 0,
        (30_000, 90_000), (900, 3_200), 0.8, only_hours=tuple(range(7, 19)), told=True,
    ),
    Flow(
        "evaluation", Vendor.ANTHROPIC, "wrkspc_research", "apikey_research", "claude-opus-5", 160, 0, (3_000, 6_000),
        (400, 900), only_hours=(13, 14, 15), only_weekdays=(1,),
    ),
)  # fmt: skip

# What goes through the gateway while the demonstration runs.
LIVE_PROJECTS: Mapping[Vendor, tuple[str, str]] = {
    Vendor.OPENAI: ("proj_assistant", "key_assistant"),
    Vendor.ANTHROPIC: ("wrkspc_assistant", "apikey_assistant"),
}
PROJECT_NAMES: Mapping[str, str] = {
    "proj_web": "Web search",
    "proj_docs": "Document reader",
    "proj_assistant": "Assistant",
    "wrkspc_support": "Support",
    "wrkspc_engineering": "Engineering",
    "wrkspc_research": "Research",
    "wrkspc_assistant": "Assistant",
}
KEY_NAMES: Mapping[str, str] = {
    "key_web": "web production",
    "key_docs": "nightly documents",
    "key_assistant": "assistant, through the gateway",
    "apikey_support": "support production",
    "apikey_agents": "coding agents",
    "apikey_research": "evaluations",
    "apikey_assistant": "assistant, through the gateway",
}
KEY_PROJECTS: Mapping[str, str] = {
    **{flow.key: flow.project for flow in FLOWS},
    **{key: project for project, key in LIVE_PROJECTS.values()},
}
PEOPLE: tuple[str, ...] = ("amara@northwind.example", "bela@northwind.example", "chen@northwind.example")

# Of the sandbox provider alone: no other server knows them.
ADMIN_KEYS: Mapping[Vendor, str] = {
    Vendor.OPENAI: "sk-admin-demonstration-0000000000000000",
    Vendor.ANTHROPIC: "sk-ant-admin01-demonstration-0000000000000000",
}
CALL_KEYS: Mapping[Vendor, str] = {
    Vendor.OPENAI: "sk-proj-demonstration-0000000000000000",
    Vendor.ANTHROPIC: "sk-ant-api03-demonstration-0000000000000000",
}
