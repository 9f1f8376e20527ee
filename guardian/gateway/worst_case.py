"""The most that a call can cost, told from its request before it goes out."""

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from guardian.gateway.bodies.tools import Billed
from guardian.gateway.bodies.wanted import STANDARD_TERMS, Terms
from guardian.models.enums import CostSource, Provider
from guardian.periods import utcnow
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.records import UsageCounts, UsageRecord

# The longest answers of November 2026 are 128,000 tokens; a request that states no maximum gets a common model's.
# Providers stop there unless told otherwise: gpt-4o 16,384, claude-sonnet-4-5 64,000, gemini-2.5 65,536.
DEFAULT_MOST_OUTPUT = 16_384
# So many calls are held for each tool that is billed by the call, where the request states no maximum: most answers
# take fewer, and none that the vendors document is bound to.
DEFAULT_TOOL_CALLS = 5
# The project's own setting decides, which may be the dearest of them.
_AUTO, _DEAREST_TIER = "auto", "priority"
_MINUTE = 60.0  # how long a unit price is remembered; one that changes by the hour is late by as much
_MOST_PRICES = 10_000
_NO_TOOLS: frozenset[str] = frozenset()
_MILLION = 1_000_000
_NOTHING, _PLAIN, _OUTPUT = UsageCounts(), UsageCounts(input_tokens=_MILLION), UsageCounts(output_tokens=_MILLION)
# Each cache has its price: Anthropic's of five minutes 1.25 times the input, of an hour twice.
_WRITTEN = (
    UsageCounts(input_tokens=_MILLION, cache_write_5m_tokens=_MILLION),
    UsageCounts(input_tokens=_MILLION, cache_write_30m_tokens=_MILLION),
    UsageCounts(input_tokens=_MILLION, cache_write_1h_tokens=_MILLION),
    UsageCounts(input_tokens=_MILLION, cache_write_12h_tokens=_MILLION),
)


class _Prices(NamedTuple):
    """Dollars a token, a request, and a call of each tool that was asked for; `overrides` keeps the list alive that the
    prices were made with.
    """

    input: Decimal
    output: Decimal
    request: Decimal
    tools: Mapping[str, Decimal]
    until: float
    overrides: Sequence[Override]


_Place = tuple[Provider, str, str | None, int, Terms, frozenset[str]]


class WorstCases:
    """Prices a token, remembered per provider, model, key and list of agreed prices."""

    def __init__(self) -> None:
        self._known: dict[_Place, _Prices] = {}

    def of(
        self,
        provider: Provider,
        model: str,
        overrides: Sequence[Override],
        key_id: str | None,
        *,
        input_tokens: int,
        most_output: int | None,
        answers: int = 1,
        terms: Terms = STANDARD_TERMS,
        tools: Sequence[Billed] = (),
    ) -> Decimal | None:
        """Dollars, None where the model has no price. `most_output` is for each of the `answers` (OpenAI's `n`).

        Input at its dearest price: written to the dearest cache, where the model has one. `most_output` None: the model
        may answer DEFAULT_MOST_OUTPUT tokens, and can pass the limit by what it answers beyond that. Of the `terms`
        asked for and the usual ones the dearer count: a provider may process it either way; `auto` may be `priority`.
        A fee for each request counts once. Of the `tools` that are billed by the call, so many calls count as the
        request allows, and DEFAULT_TOOL_CALLS where it does not say.

        Not bounded are: calls of a tool beyond that number, and what their results add to the input; tools that are
        billed by time (Anthropic's code execution), or have no price in the list; a tier that the project's settings
        choose for a request that names none; and input that the provider takes from elsewhere (stored conversations,
        files, pictures by their address), which the request's size does not tell.
        """
        units = frozenset([tool.unit for tool in tools]) if tools else _NO_TOOLS
        place = (provider, model, key_id, id(overrides), terms, units)
        known = self._known.get(place)
        now = time.monotonic()
        if known is None or known.until < now or known.overrides is not overrides:
            known = self._look_up(provider, model, overrides, key_id, terms, units, now)
            if known is None:
                return None
            if len(self._known) > _MOST_PRICES:
                self._known.clear()
            self._known[place] = known
        output = DEFAULT_MOST_OUTPUT if most_output is None else most_output
        found = known.input * input_tokens + known.output * (output * answers) + known.request
        for tool in tools:
            found += known.tools[tool.unit] * (DEFAULT_TOOL_CALLS if tool.most is None else tool.most)
        return found

    @staticmethod
    def _look_up(
        provider: Provider,
        model: str,
        overrides: Sequence[Override],
        key_id: str | None,
        terms: Terms,
        units: frozenset[str],
        now: float,
    ) -> _Prices | None:
        ways = {STANDARD_TERMS, terms}
        if terms.service_tier == _AUTO:
            ways.add(terms._replace(service_tier=_DEAREST_TIER))

        def most(*uses: UsageCounts) -> Decimal | None:
            found = [_cost(provider, model, overrides, key_id, counts, way) for counts in uses for way in ways]
            return max((each for each in found if each is not None), default=None)

        if most(_PLAIN) is None:
            return None
        # A model without a price for output has none: embeddings, moderation.
        request = most(_NOTHING) or Decimal(0)
        input, output = most(_PLAIN, *_WRITTEN) or Decimal(0), most(_OUTPUT) or Decimal(0)
        tools = {unit: most(UsageCounts(units={unit: Decimal(1)})) for unit in units}
        return _Prices(
            max(input - request, Decimal(0)) / _MILLION,
            max(output - request, Decimal(0)) / _MILLION,
            request,
            {unit: max(cost - request, Decimal(0)) if cost is not None else Decimal(0) for unit, cost in tools.items()},
            now + _MINUTE,
            overrides,
        )


def _cost(
    provider: Provider,
    model: str,
    overrides: Sequence[Override],
    key_id: str | None,
    counts: UsageCounts,
    terms: Terms,
) -> Decimal | None:
    """A million tokens of one request: where a long input costs more, that is the price."""
    moment = utcnow()
    record = UsageRecord(
        provider=provider,
        operation="chat",
        model=model,
        start=moment,
        end=moment,
        counts=counts,
        requests=1,
        service_tier=terms.service_tier or None,
        dimensions={
            name: value for name, value in (("speed", terms.speed), ("inference_geo", terms.inference_geo)) if value
        },
    )
    found = price(record, overrides, key_id=key_id)
    return None if found.source is CostSource.UNPRICED else found.amount
