"""From what was read of an answer to the record of its call: stated, guessed, an error, or still going on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from guardian.errors import ProviderContractBroken
from guardian.gateway.bodies.wanted import Wanted
from guardian.gateway.metering.estimates import rule_of
from guardian.gateway.metering.readers import Reader, Whole
from guardian.gateway.metering.results import Metered, error_of
from guardian.gateway.paths import Asked
from guardian.models.enums import Provider
from guardian.providers.inference import Endpoint
from guardian.providers.usage import StatedUsage, read_usage, record_from
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord

# Whose answers are texts, so that their tokens can be guessed.
_OF_TEXT = frozenset({"chat", "responses", "messages", "generate_content", "interactions", "sonar", "ollama"})
_GOES_ON = frozenset({"queued", "in_progress"})
_UNMETERED = Endpoint("", "other")


class Head(NamedTuple):
    """What an answer's headers state: Google's tier, and a LiteLLM proxy's cost in dollars."""

    tier: bytes | None
    cost: bytes | None


class Conclusion(NamedTuple):
    """One call: what it asked for, when it began, a CUSTOM key's settings, and the answer's head."""

    asked: Asked
    wanted: Wanted
    started: datetime
    settings: Mapping[str, Any]
    head: Head

    @property
    def _endpoint(self) -> Endpoint:
        return self.asked.endpoint or _UNMETERED

    def refused(self, status: int, found: Mapping[str, Any] | None, error: str | None = None) -> Metered:
        """Of an error answer: nothing is billed, whatever it says."""
        named = error or error_of(found)
        return Metered(self._record(found or {}), error=named or f"http_{status}", billed=False)

    def of(self, reader: Reader, *, cut: bool, error: str | None, unread: str | None) -> Metered:
        """Of an answer that is none; `unread` says why its reading was given up."""
        if self.asked.polled is not None and not reader.found and unread is None:
            return Metered(self._record({}), self.asked.polled, error=error, pending=True)
        if unread is not None or reader.found is None:
            return self._unreadable(reader, cut, error, unread)
        found = reader.found
        error = error or reader.error or (None if reader.streamed else error_of(found))
        try:
            stated = read_usage(self.asked.provider, self._endpoint.flavour, found, self.settings)
        except ProviderContractBroken as broken:
            return Metered(self._record(found), self._id(found, None), broken.message, error or "contract_broken")
        if stated is None and self._goes_on(found):
            return Metered(self._record(found), self._id(found, None), error=error, pending=True)
        if self._is_whole(reader, stated, cut, error):
            record, missing = record_from(
                self.asked.provider,
                self._endpoint.operation,
                stated,
                found,
                asked_model=self.wanted.model,
                at=self.started,
            )
            return Metered(self._with_head(record), self._id(found, stated), missing, error)
        return self._guessed(reader, found, stated, cut, error)

    def _is_whole(self, reader: Reader, stated: StatedUsage | None, cut: bool, error: str | None) -> bool:
        """Whether what is stated is the last word, or what is not stated cannot be guessed."""
        if self._endpoint.flavour not in _OF_TEXT:
            return True
        if not reader.streamed:
            return stated is not None or error is not None
        # Anthropic's first event states the input alone; of the others what stands at an orderly end is the last word.
        orderly = not cut and error is None and self._endpoint.flavour != "messages"
        return stated is not None and (reader.complete or orderly)

    def _guessed(
        self, reader: Reader, found: Mapping[str, Any], stated: StatedUsage | None, cut: bool, error: str | None
    ) -> Metered:
        """What is stated, and the text that came after it."""
        seen = reader.looked_at() if isinstance(reader, Whole) else reader.seen
        tokens = seen.tokens(self.asked.provider, deltas=reader.streamed and self._endpoint.flavour == "responses")
        begun = stated is not None or cut or error is not None
        why = "the answer ended before its numbers did" if begun else "the answer states no usage"
        doubt = f"{why}; {tokens} output tokens are estimated ({rule_of(self.asked.provider)})"
        if stated is None and error is not None and not tokens and not cut:
            return Metered(self._record(found), self._id(found, None), error=error, billed=False)
        if stated is None:
            doubt += ", and the input from the request's size"
            stated = StatedUsage(counts=UsageCounts(input_tokens=self.wanted.input_estimate))
        counts = replace(stated.counts, output_tokens=stated.counts.output_tokens + tokens)
        guess = replace(stated, counts=counts, doubts=(*stated.doubts, doubt))
        record, _ = record_from(
            self.asked.provider, self._endpoint.operation, guess, found, asked_model=self.wanted.model, at=self.started
        )
        return Metered(self._with_head(record), self._id(found, guess), None, error)

    def _unreadable(self, reader: Reader, cut: bool, error: str | None, unread: str | None) -> Metered:
        """Sound and pictures, HTML, an unknown encoding, JSON that was cut."""
        if self.wanted.characters is not None:
            counts = UsageCounts(units={"characters": Decimal(self.wanted.characters)})
            return Metered(self._record({}, counts), error=error or unread)
        if isinstance(reader, Whole) and unread is None and cut and self._endpoint.flavour in _OF_TEXT:
            return self._guessed(reader, {}, None, cut, error)
        # A transcript may be plain text; what else is no JSON is the HTML page of something in between.
        foreign = isinstance(reader, Whole) and self._endpoint.flavour != "transcription"
        named = error or unread or ("not_json" if foreign else None)
        return Metered(self._record({}), missing="The answer states no usage.", error=named)

    def _goes_on(self, found: Mapping[str, Any]) -> bool:
        return self.asked.polled is not None or found.get("status") in _GOES_ON

    def _id(self, found: Mapping[str, Any], stated: StatedUsage | None) -> str | None:
        named: object = (stated.response_id if stated else None) or found.get("id") or found.get("responseId")
        return (named if isinstance(named, str) and named else None) or self.asked.polled

    def _record(self, found: Mapping[str, Any], counts: UsageCounts | None = None) -> UsageRecord:
        named: object = found.get("model")
        return UsageRecord(
            provider=self.asked.provider,
            operation=self._endpoint.operation,
            model=(named if isinstance(named, str) else "") or self.wanted.model or UNKNOWN_MODEL,
            start=self.started,
            end=self.started,
            counts=counts or UsageCounts(),
            requests=1,
        )

    def _with_head(self, record: UsageRecord) -> UsageRecord:
        """Google tells the tier in a header; a LiteLLM proxy behind a CUSTOM key what it cost."""
        if self.head.tier and self.asked.provider is Provider.GOOGLE and record.service_tier is None:
            return replace(record, service_tier=self.head.tier.decode("latin-1").lower()[:50])
        if self.head.cost and self.asked.provider is Provider.CUSTOM and record.provider_cost is None:
            try:
                cost = Decimal(self.head.cost.decode("latin-1").strip())
            except InvalidOperation:
                return record
            if cost.is_finite() and 0 < cost < 10**9:
                return replace(record, provider_cost=cost)
        return record


def unanswered(asked: Asked, wanted: Wanted, started: datetime, error: str) -> Metered:
    """Of an attempt that no answer came to: `error` is the failure's name."""
    return Conclusion(asked, wanted, started, {}, Head(None, None)).refused(0, None, error)
