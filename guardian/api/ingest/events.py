"""Events in our own JSON: one, or a list, each looked at by itself, so that a wrong one stops no other."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from guardian.api.answers.envelope import camel
from guardian.api.ingest.numbers import decimal_of, is_amount, utc_of
from guardian.api.ingest.providers import PROVIDERS
from guardian.api.ingest.senders import Sender
from guardian.api.ingest.splitting import UNREADABLE, events_in, words_of
from guardian.errors import ValidationError
from guardian.models.enums import Provider, UsageOrigin
from guardian.records import MOST_TOKENS, UsageCounts, UsageRecord
from guardian.services.ledger.ingest.once import EVENT
from guardian.services.ledger.writing.calls import LONGEST_SESSION, Call

MOST_EVENTS = 1_000
AHEAD = timedelta(days=1)  # how far a sender's clock may be wrong
EARLIEST = 2015
_MOST_METADATA = 16_384  # bytes of JSON
_MOST_TAGS = 50
_MOST_DOLLARS = Decimal(10**9)
_NO_TAGS: Mapping[str, str] = {}

Count = Annotated[int, Meta(ge=0, le=MOST_TOKENS)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=500)]
Integer = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Event(msgspec.Struct, rename=camel, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One call. `cost` is what the provider itself said that it costs, in dollars; without it the call is priced.

    Counts are as in UsageCounts: `inputTokens` is all of the input, with what was read from and written to the cache.
    `user` is a person's id or address here, or the application's own name for somebody. `responseTime` in milliseconds.
    """

    event_id: Word
    timestamp: Annotated[datetime, Meta(tz=True)]
    provider: Word
    model: Word
    operation: Word
    input_tokens: Count
    output_tokens: Count
    total_tokens: Count | None = None
    cache_read_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_30m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    cache_write_12h_tokens: Count = 0
    reasoning_tokens: Count = 0
    audio_input_tokens: Count = 0
    audio_output_tokens: Count = 0
    image_input_tokens: Count = 0
    image_output_tokens: Count = 0
    video_input_tokens: Count = 0
    video_output_tokens: Count = 0
    units: dict[Word, Decimal] | None = None
    requests: Integer | None = None
    service_tier: Word | None = None
    cost: Decimal | None = None
    currency: Line | None = None
    response_time: Integer | None = None
    status_code: Integer | None = None
    error: Annotated[str, Meta(max_length=1000)] | None = None
    user: Line | None = None
    session: Annotated[str, Meta(max_length=LONGEST_SESSION)] | None = None
    tags: dict[Word, Line] | None = None
    metadata: dict[str, Any] | None = None


class _Named(msgspec.Struct, rename=camel):
    event_id: str


class Problem(NamedTuple):
    """What is wrong with an event, and where; `place` is its index in the batch."""

    place: int
    event_id: str | None
    field: str | None
    message: str


class Read(NamedTuple):
    """The calls that are sound, with their places, and what is wrong with the others."""

    calls: list[tuple[int, Call]]
    problems: list[Problem]


_event = msgspec.json.Decoder(Event, float_hook=decimal_of)
_named = msgspec.json.Decoder(_Named)


def read(body: bytes, sender: Sender, now: datetime) -> Read:
    """The events of a body. Raises ValidationError where it is no JSON, has no events or more than MOST_EVENTS."""
    raws = events_in(body)
    if not raws:
        raise ValidationError("There are no events. Send one event as an object, or 1 to 1,000 in a list.")
    if len(raws) > MOST_EVENTS:
        raise ValidationError(f"There are {len(raws):,} events. Send at most {MOST_EVENTS:,} at once; none was taken.")
    found = Read([], [])
    for index, raw in enumerate(raws):
        try:
            event = _event.decode(raw)
            found.calls.append((index, _call(event, sender, now)))
        except UNREADABLE as error:
            field, message = words_of(error)
            found.problems.append(Problem(index, _id_of(raw), field, message))
        except ValidationError as error:
            found.problems.append(Problem(index, _id_of(raw), error.details, error.message))
    return found


def _call(event: Event, sender: Sender, now: datetime) -> Call:
    """Raises ValidationError, whose details are the field."""
    moment = utc_of(event.timestamp)
    if moment is None or moment.year < EARLIEST or moment > now + AHEAD:
        said = event.timestamp.isoformat(" ", "minutes")
        raise _wrong("timestamp", f"{said} is not a time at which this call can have been made.")
    counts = _counts(event)
    tags = _tags(event)
    if event.metadata and len(msgspec.json.encode(event.metadata)) > _MOST_METADATA:
        raise _wrong("metadata", f"The metadata is larger than {_MOST_METADATA:,} bytes.")
    user = None if event.user is None else sender.people.get(event.user) or sender.people.get(event.user.lower())
    return Call(
        identity=(EVENT, event.event_id),
        origin=UsageOrigin.INGEST,
        usage=UsageRecord(
            provider=_provider(event.provider),
            operation=event.operation,
            model=event.model,
            start=moment,
            end=moment,
            counts=counts,
            requests=event.requests,
            service_tier=event.service_tier,
            provider_cost=_cost(event),
        ),
        user_id=user or sender.actor.user_id,
        access_token_id=sender.token_id,
        response_time=event.response_time,
        status_code=event.status_code,
        error=event.error,
        session=event.session or None,
        tags=tags,
        default_tags=sender.default_tags,
        metadata=event.metadata or {},
    )


def _counts(event: Event) -> UsageCounts:
    units = event.units or {}
    if not all(is_amount(number, _MOST_DOLLARS * _MOST_DOLLARS) for number in units.values()):
        raise _wrong("units", "Units are numbers of zero or more.")
    counts = UsageCounts(
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cache_read_tokens=event.cache_read_tokens,
        cache_write_5m_tokens=event.cache_write_5m_tokens,
        cache_write_30m_tokens=event.cache_write_30m_tokens,
        cache_write_1h_tokens=event.cache_write_1h_tokens,
        cache_write_12h_tokens=event.cache_write_12h_tokens,
        reasoning_tokens=event.reasoning_tokens,
        audio_input_tokens=event.audio_input_tokens,
        audio_output_tokens=event.audio_output_tokens,
        image_input_tokens=event.image_input_tokens,
        image_output_tokens=event.image_output_tokens,
        video_input_tokens=event.video_input_tokens,
        video_output_tokens=event.video_output_tokens,
        units=units,
    )
    if event.total_tokens is not None and event.total_tokens != counts.total_tokens:
        raise _wrong(
            "totalTokens", f"totalTokens is {event.total_tokens}, but input and output are {counts.total_tokens}."
        )
    if problems := counts.problems():
        if counts.uncached_text_tokens < 0:
            raise _wrong("inputTokens", "inputTokens is all of the input, but less than its cached and other shares.")
        raise _wrong("outputTokens", f"These counts cannot be true: {'; '.join(problems)}.")
    return counts


def _tags(event: Event) -> Mapping[str, str]:
    if event.tags is None and event.user is None:
        return _NO_TAGS
    tags = {**(event.tags or {}), **({"user": event.user} if event.user else {})}
    if len(tags) > _MOST_TAGS:
        raise _wrong("tags", f"An event has at most {_MOST_TAGS} tags.")
    return tags


def _provider(named: str) -> Provider:
    found = PROVIDERS.get(named.lower())
    if found is None:
        raise _wrong("provider", f"The provider is one of {', '.join(Provider)}. Use CUSTOM for any other.")
    return found


def _cost(event: Event) -> Decimal | None:
    if event.currency is not None and event.currency.upper() != "USD":
        raise _wrong("currency", "Costs are in dollars: the currency is USD, and 12 cents are 0.12.")
    if event.cost is not None and not is_amount(event.cost, _MOST_DOLLARS):
        raise _wrong("cost", "The cost is a number of dollars of zero or more.")
    return event.cost


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=field)


def _id_of(raw: msgspec.Raw) -> str | None:
    try:
        return _named.decode(raw).event_id[:200]
    except UNREADABLE:
        return None
