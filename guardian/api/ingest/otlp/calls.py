"""From spans to calls: each model call once, whoever else repeats what it used."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from guardian.api.ingest.events import AHEAD, EARLIEST, Problem
from guardian.api.ingest.otlp import names
from guardian.api.ingest.otlp.counting import Counted, cost_told, counted
from guardian.api.ingest.otlp.wire import Span
from guardian.api.ingest.providers import provider_of
from guardian.api.ingest.senders import Sender
from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.pricing.calculator import price
from guardian.records import UNKNOWN_MODEL, CostBreakdown, UsageRecord
from guardian.services.ledger.ingest.once import EVENT
from guardian.services.ledger.writing.calls import LONGEST_SESSION, Call

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_PARENTS = 100_000  # of calls that came before: a parent ends after its children, often in a later request
_LONGEST = 200
_DAY = 86_400_000  # milliseconds
# A vendor that sends the spans of its own calls, with what it bills.
_VENDORS = frozenset({"openrouter"})
_THEIRS = "The sender's own figure: no price is known here for this model."


class Read(NamedTuple):
    """Calls and problems with their places among the spans; `ignored` spans use nothing, or repeat others."""

    calls: list[tuple[int, Call]]
    problems: list[Problem]
    ignored: int


class Parents:
    """The parents of calls that were counted: one that states usage too repeats that of its children."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def note(self, organization_id: str, span: Span) -> None:
        self._seen[organization_id, span.trace, span.parent] = None
        if len(self._seen) > _MOST_PARENTS:
            self._seen.popitem(last=False)

    def has(self, organization_id: str, span: Span) -> bool:
        return (organization_id, span.trace, span.id) in self._seen


def read(spans: Sequence[Span], sender: Sender, now: datetime, parents: Parents) -> Read:
    """The calls among the spans."""
    organization_id = sender.actor.organization_id
    stated: list[tuple[int, Span, Counted]] = []
    problems: list[Problem] = []
    for index, span in enumerate(spans):
        if span.attributes.keys().isdisjoint(names.USAGE) or _is_around(span.attributes):
            continue
        try:
            found = counted(span)
        except ValidationError as error:
            problems.append(Problem(index, f"{span.trace}:{span.id}", None, error.message))
            continue
        if found is not None:
            stated.append((index, span, found))
            if span.parent:
                parents.note(organization_id, span)
    calls: list[tuple[int, Call]] = []
    for index, span, found in stated:
        if parents.has(organization_id, span):
            continue
        try:
            calls.append((index, _call(span, found, sender, now)))
        except ValidationError as error:
            problems.append(Problem(index, f"{span.trace}:{span.id}", None, error.message))
    return Read(calls, problems, len(spans) - len(calls) - len(problems))


def _is_around(attributes: Mapping[str, Any]) -> bool:
    return any(str(attributes[name]).lower() in names.AROUND for name in names.KIND if name in attributes)


def _call(span: Span, found: Counted, sender: Sender, now: datetime) -> Call:
    attributes = span.attributes
    moment = _EPOCH + timedelta(microseconds=span.start // 1000) if span.start < 2**62 else now + AHEAD * 2
    if moment.year < EARLIEST or moment > now + AHEAD:
        raise ValidationError(f"The span starts at {moment:%Y-%m-%d %H:%M} UTC, when it cannot have been.")
    if not span.trace or not span.id:
        raise ValidationError("The span has no ids.")
    named = _word(attributes, names.PROVIDER) or ""
    model = _word(attributes, names.MODEL) or UNKNOWN_MODEL
    provider = provider_of(named, model)
    told = cost_told(attributes)
    vendors = named.lower() in _VENDORS
    usage = UsageRecord(
        provider=provider,
        operation=_operation(attributes, provider),
        model=model,
        start=moment,
        end=moment,
        counts=found.counts,
        service_tier=_word(attributes, names.TIER),
        provider_cost=told if vendors else None,
        doubts=found.doubts,
    )
    cost = None
    if told is not None and not vendors and price(usage).source is CostSource.UNPRICED:
        cost = CostBreakdown(amount=told, source=CostSource.ESTIMATED, price_source="sender", reason=_THEIRS)
    user = _word(attributes, names.USER)
    return Call(
        identity=(EVENT, f"{span.trace}:{span.id}"),
        origin=UsageOrigin.INGEST,
        usage=usage,
        cost=cost,
        user_id=(user and sender.people.get(user.lower())) or sender.actor.user_id,
        access_token_id=sender.token_id,
        response_time=_milliseconds(span),
        error=_word(attributes, names.ERROR) or ("error" if span.failed else None),
        session=_word(attributes, names.SESSION, LONGEST_SESSION),
        tags=_tags(span, user),
        default_tags=sender.default_tags,
        metadata={"provider": named} if provider is Provider.CUSTOM and named else {},
    )


def _operation(attributes: Mapping[str, Any], provider: Provider) -> str:
    told = (_word(attributes, names.OPERATION) or "").lower()
    if told not in names.CHATS:
        return names.OPERATIONS.get(told, told)
    return {Provider.ANTHROPIC: "message", Provider.GOOGLE: "generate_content"}.get(provider, "completion")


def _tags(span: Span, user: str | None) -> dict[str, str]:
    found: dict[str, str] = {"user": user} if user else {}
    for tag, wanted in names.TAGS.items():
        value = _word(span.attributes, wanted) or _word(span.resource, wanted)
        if value:
            found[tag] = value
    return found


def _word(values: Mapping[str, Any], wanted: Sequence[str], longest: int = _LONGEST) -> str | None:
    for name in wanted:
        value = values.get(name)
        if value is not None and value != "":
            return str(value)[:longest]
    return None


def _milliseconds(span: Span) -> int | None:
    taken = (span.end - span.start) // 1_000_000
    return taken if 0 <= taken < _DAY else None
