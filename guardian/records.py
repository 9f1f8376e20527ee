"""The shapes in which usage and cost travel from a provider to the ledger: plain frozen values, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from types import MappingProxyType

from guardian.lean import lean
from guardian.models.enums import CostSource, Provider, ResourceKind

# The model of a row in which the provider names none: no catalog has a price for it, so it shows up as unpriced.
UNKNOWN_MODEL = "(not reported)"
# More than any row can be of: 9,000 rows of so many still add up within the database's bigint.
MOST_TOKENS = 10**15

_EMPTY: Mapping[str, str] = MappingProxyType({})
_NO_UNITS: Mapping[str, Decimal] = MappingProxyType({})


@lean
@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCounts:
    """Token counts. `input_tokens` is all of the input and `output_tokens` all of the output.

    The others are shares of their total. Shares of the input are disjoint: what remains after cache reads, cache
    writes, audio, image and video is uncached text. `cache_read_audio_tokens` and `cache_read_image_tokens` are shares
    of `cache_read_tokens`. `units` holds what is billed but is none of these tokens: web_search_requests,
    file_search_requests, code_interpreter_sessions, images, characters, seconds, vector_store_bytes, citation_tokens, …
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_30m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_write_12h_tokens: int = 0
    audio_input_tokens: int = 0
    image_input_tokens: int = 0
    cache_read_audio_tokens: int = 0
    cache_read_image_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    video_input_tokens: int = 0
    video_output_tokens: int = 0
    units: Mapping[str, Decimal] = field(default_factory=lambda: _NO_UNITS)

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def cache_write_tokens(self) -> int:
        return (
            self.cache_write_5m_tokens
            + self.cache_write_30m_tokens
            + self.cache_write_1h_tokens
            + self.cache_write_12h_tokens
        )

    @property
    def uncached_text_tokens(self) -> int:
        """What is left of the input when every other share is taken away; never negative in a sound record."""
        return (
            self.input_tokens
            - self.cache_read_tokens
            - self.cache_write_tokens
            - self.audio_input_tokens
            - self.image_input_tokens
            - self.video_input_tokens
        )

    @property
    def text_output_tokens(self) -> int:
        """What is left of the output without audio, images and video; reasoning is in it."""
        return self.output_tokens - self.audio_output_tokens - self.image_output_tokens - self.video_output_tokens

    def problems(self) -> list[str]:
        """Why these counts cannot be true, in words; empty when they are sound."""
        if not self.units and self._sound():
            return []
        found = [f"{f.name} is negative" for f in fields(self) if f.name != "units" and getattr(self, f.name) < 0]
        found += [f"{unit} is negative" for unit, number in self.units.items() if number < 0]
        if self.total_tokens > MOST_TOKENS:
            found.append(f"{self.total_tokens} tokens are more than one row can be of")
        if self.uncached_text_tokens < 0:
            found.append(f"the shares of the input exceed input_tokens by {-self.uncached_text_tokens}")
        if self.cache_read_audio_tokens + self.cache_read_image_tokens > self.cache_read_tokens:
            found.append("cached audio and image tokens exceed cache_read_tokens")
        output_shares = max(
            self.reasoning_tokens, self.audio_output_tokens + self.image_output_tokens + self.video_output_tokens
        )
        if output_shares > self.output_tokens:
            found.append(f"the shares of the output exceed output_tokens by {output_shares - self.output_tokens}")
        return found

    def _sound(self) -> bool:
        """Whether the tokens have no problem, in a fifth of the time that it takes to look for each: most have none."""
        return (
            min(*_numbers(self), self.uncached_text_tokens) >= 0
            and self.total_tokens <= MOST_TOKENS
            and self.cache_read_audio_tokens + self.cache_read_image_tokens <= self.cache_read_tokens
            and self.reasoning_tokens <= self.output_tokens
            and self.audio_output_tokens + self.image_output_tokens + self.video_output_tokens <= self.output_tokens
        )


_numbers = attrgetter(*(f.name for f in fields(UsageCounts) if f.name != "units"))


@lean
@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One call, or one row of a provider's usage bucket.

    `start` is inclusive and `end` exclusive, both UTC; a single call has start == end. `requests` is None where the
    provider does not count them (Anthropic), and 0 where the calls are counted by another row already (tool calls).
    `service_tier` is the tier that the *response* names, or "batch". `dimensions` are the further keys that tell two
    rows of one bucket apart (context_window, inference_geo, speed, size, source, …): part of the row's identity.
    `doubts` say how its counts were repaired: a cost that is worked out from them is an estimate.
    """

    provider: Provider
    operation: str
    model: str
    start: datetime
    end: datetime
    counts: UsageCounts
    requests: int | None = None
    project_id: str | None = None
    external_key_id: str | None = None
    external_user_id: str | None = None
    service_tier: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    provider_cost: Decimal | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBucket:
    """One bucket of one usage report, also when it is empty: it is the provider's whole word about its span.

    `series` names the report ("completions", "messages", …).
    """

    series: str
    start: datetime
    end: datetime
    records: tuple[UsageRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord:
    """One line of a provider's cost report; `amount` in US dollars, unrounded.

    `cost_type` is tokens, web_search, code_execution, …; None where the provider does not say. `quantity` is None
    when unknown.
    """

    provider: Provider
    start: datetime
    end: datetime
    amount: Decimal
    line_item: str
    project_id: str | None = None
    external_key_id: str | None = None
    external_user_id: str | None = None
    model: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    service_tier: str | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBucket:
    """One day of a provider's cost report, also when it is empty."""

    start: datetime
    end: datetime
    records: tuple[CostRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedResource:
    """A project, workspace, key or user of the provider, with the name that people know it by.

    `masked` is what the provider shows of a key's secret: its beginning and its end around a mask ("sk-abc...def").
    """

    kind: ResourceKind
    external_id: str
    name: str
    parent_id: str | None = None
    masked: str | None = None


@lean
@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """quantity × unit_price × multiplier = amount; `unit_price` in dollars for one `unit`."""

    unit: str
    quantity: Decimal
    unit_price: Decimal
    multiplier: Decimal
    amount: Decimal


@lean
@dataclass(frozen=True, slots=True, kw_only=True)
class CostBreakdown:
    """What a usage record costs and why. `amount` is None exactly when `source` is UNPRICED; `reason` then says why.

    `price_ref` is the price's own name (catalog model id or override id), `price_version` the catalog's version.
    """

    amount: Decimal | None
    source: CostSource
    lines: tuple[BillLine, ...] = ()
    price_source: str | None = None
    price_version: str | None = None
    price_ref: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """The credit that is left at a provider; negative when more was spent than paid. `currency` is an ISO 4217 code."""

    amount: Decimal
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What a connection test found. `kind` is "admin" for a key that may read reports, else "inference".

    `account_id` names the provider's billing account where the provider tells it: two keys of one account share it.
    `balance` is what is left of its credit, where the test came by it.
    """

    __test__ = False

    success: bool
    message: str
    kind: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    balance: Balance | None = None
    metadata: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
