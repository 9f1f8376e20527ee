"""An answer on its way to the caller, metered as it passes; its record is durable before the last of it goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from guardian.gateway import bodies, dialects
from guardian.gateway.admission import Admitted, Departure, Message
from guardian.gateway.http.answer import Answer
from guardian.gateway.http.failures import UpstreamFailure
from guardian.gateway.http.headers import Header, end_to_end
from guardian.gateway.metering import Meter
from guardian.gateway.outgoing import Route
from guardian.gateway.recording import cost_of, record_of_answer, record_of_error
from guardian.journal.writing import Journal
from guardian.records import UsageCounts, UsageRecord

Send = Callable[[Message], Awaitable[None]]

# Answers up to this size are read before they are passed on, so that their cost can stand in a header.
_WHOLE = 1024 * 1024
# How much is read of a stream whose caller has left: its last event says what it cost.
_DRAIN_BYTES = 8 * 1024 * 1024
_LEFT = "caller_left"
_NOTHING, _NO_USE = Decimal(0), UsageCounts()
_BLANK = (b"\n\n", b"\r\n\r\n", b"\r\r")  # ends an event of a stream


class Passing:
    """One answer of one call. `cost` is what it cost, and `used` what it used, once it is `written` down; None where
    that is not known.
    """

    def __init__(
        self, call: Admitted, answer: Answer, route: Route, journal: Journal, send: Send, *, drain_seconds: float
    ) -> None:
        self._call, self._answer, self._journal, self._send = call, answer, journal, send
        self._meter = Meter(
            call.asked,
            call.wanted,
            call.arrival.started,
            answer.status,
            answer.headers,
            settings=route.key.metadata,
            asked_for_usage=bodies.must_ask(call.asked, call.wanted, server_takes_it=route.asks_for_usage),
        )
        self._last = self._end = b""  # what went on last, and what goes on at the end
        self._drain_seconds = drain_seconds
        self._draining: asyncio.TimerHandle | None = None
        self.written = False
        self.used: UsageCounts | None = None
        self._cost: Decimal | None = None
        self._unpriced: UsageRecord | None = None

    @property
    def cost(self) -> Decimal | None:
        if self._unpriced is not None:  # of a stream that no budget waits for, nobody asks
            self._cost = cost_of(self._call.facts, self._unpriced, self._call.belongings.overrides)
            self._unpriced = None
        return self._cost

    async def run(self) -> None:
        """Pass it on to its end. Raises UpstreamFailure where it broke and the caller must see that it did."""
        answer = self._answer
        if answer.is_whole or (answer.content_length is not None and answer.content_length <= _WHOLE):
            await self._whole()
        else:
            await self._stream()

    async def _whole(self) -> None:
        """An answer that is read whole: its cost is known before its first byte goes on."""
        try:
            content = await self._answer.read()
        except UpstreamFailure as failure:
            await self._write_down(cut=True, error=failure.error_class)
            raise
        meter = self._meter
        body = meter.feed(content) + meter.rest()
        await self._write_down()
        headers = self._headers(len(body) != len(content))
        if self._answer.status < 400 and (cost := self.cost) is not None:
            headers.append((b"x-guardian-cost-usd", format(cost, "f").encode()))
        await self._send({"type": "http.response.start", "status": self._answer.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _stream(self) -> None:
        """An answer that is passed on as it comes."""
        answer, meter = self._answer, self._meter
        await self._send({"type": "http.response.start", "status": answer.status, "headers": self._headers(False)})
        departure = self._call.arrival.departure
        if departure.left:
            self._drain()
        departure.on_leave = self._drain
        failure: UpstreamFailure | None = None
        try:
            await self._flow(departure)
        except UpstreamFailure as error:
            failure = error
        finally:
            gone = departure.left
            departure.on_leave = None
            if self._draining is not None:
                self._draining.cancel()
        if not self.written:
            name = _LEFT if gone else failure.error_class if failure else None
            await self._write_down(cut=failure is not None or not answer.ended, error=name)
        if gone:
            return
        onward = meter.rest()
        if failure is not None:
            events = b"text/event-stream" in (answer.header(b"content-type") or b"").lower()
            if not events or not (onward or self._last or _BLANK[0]).endswith(_BLANK):
                # The connection is closed, as the provider closed its own: half an event cannot be taken back.
                await self._send({"type": "http.response.body", "body": onward, "more_body": True})
                raise failure
            onward += dialects.stream_error(self._call.asked.dialect, "upstream_failed", failure.message)
        await self._send({"type": "http.response.body", "body": self._end + onward})

    async def _flow(self, departure: Departure) -> None:
        answer, meter, facts = self._answer, self._meter, self._call.facts
        drained = 0
        async for chunk in answer.chunks():
            if facts.first_byte_time is None:
                facts.first_byte_time = self._call.arrival.milliseconds
            onward = meter.feed(chunk)
            if departure.left:
                drained += len(chunk)
                if drained > _DRAIN_BYTES:
                    answer.abort()
                    return
                continue
            if not self.written and (meter.ended or answer.is_whole):
                await self._write_down()
            if answer.is_whole:  # the last of it goes on together with the end
                self._end += onward
            elif onward:
                self._last = onward
                await self._send({"type": "http.response.body", "body": onward, "more_body": True})

    def _drain(self) -> None:
        """The caller has left: what is still to come has so much time, also from a provider that says nothing more."""
        if self._draining is None:
            self._draining = asyncio.get_running_loop().call_later(self._drain_seconds, self._answer.abort)

    async def _write_down(self, *, cut: bool = False, error: str | None = None) -> None:
        """Make the record durable."""
        call, facts = self._call, self._call.facts
        facts.status, facts.response_time = self._answer.status, call.arrival.milliseconds
        found = self._meter.finish(cut=cut, error=error)
        facts.error = found.error
        if found.pending:
            self._cost = _NOTHING
        elif not found.billed:
            self._cost, self.used = _NOTHING, _NO_USE
            await self._journal.commit(record_of_error(facts, sent=True))
        else:
            if not found.missing:
                self._unpriced, self.used = found.record, found.record.counts
            await self._journal.commit(
                record_of_answer(facts, found.record, found.missing, found.response_id, call.asked)
            )
        self.written = True

    def _headers(self, changed: bool) -> list[Header]:
        """The provider's headers, and ours; of a body that is changed on its way the length is told anew."""
        headers = end_to_end(self._answer.headers)
        if changed:
            headers = [header for header in headers if header[0].lower() != b"content-length"]
        headers.append((b"x-guardian-request-id", self._call.arrival.request_id.encode("latin-1")))
        return headers
