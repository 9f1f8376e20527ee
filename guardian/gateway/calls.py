"""One metered call from its first byte to its last: admitted, sent, passed back, and its hold given back."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from guardian.gateway import bodies
from guardian.gateway.admission import Admission, Admitted, Arrival, Receive, allows
from guardian.gateway.covering import Covering
from guardian.gateway.holds import Hold, Holds
from guardian.gateway.http.answer import Answer
from guardian.gateway.http.failures import UpstreamFailure
from guardian.gateway.http.headers import Header
from guardian.gateway.http.pool import Pool
from guardian.gateway.observed_limits import ObservedLimits
from guardian.gateway.outgoing import Route
from guardian.gateway.passing import Passing, Send
from guardian.gateway.recording import record_of_intent
from guardian.gateway.sending import Breaker, Sending, send
from guardian.gateway.wishes import wishes_of
from guardian.journal.intents import Intents
from guardian.journal.writing import Journal

_ENCODINGS = b"accept-encoding"


class Calls:
    """What every call of this process shares."""

    def __init__(
        self,
        admission: Admission,
        pool: Pool,
        journal: Journal,
        intents: Intents,
        holds: Holds,
        limits: ObservedLimits,
        *,
        drain_seconds: float,
    ) -> None:
        self._admission, self._pool, self._journal, self._holds = admission, pool, journal, holds
        self._intents, self._limits, self._drain_seconds = intents, limits, drain_seconds
        self._breaker = Breaker()
        self._behind: set[asyncio.Task[None]] = set()

    def resting(self) -> dict[str, float]:
        """The keys that this process leaves alone now, since they fail again and again: seconds by id."""
        return self._breaker.resting()

    async def serve(self, arrival: Arrival, method: bytes, query: bytes, receive: Receive, onward: Send) -> None:
        """Answer one call. Raises what stands against it (see Admission), and UpstreamFailure."""
        call = await self._admission.admit(arrival, query, receive)
        covering = Covering(self._admission, self._holds, call)
        cost: Decimal | None = Decimal(0)  # of a call that got no answer
        passing: Passing | None = None
        if call.asked.polled is None:
            arrival.intent = self._intents.note(record_of_intent(call.facts, call.routes[0]))
        try:
            try:
                answer, route = await self._sent(call, method, covering)
            except UpstreamFailure as failure:
                cost = None if failure.sent else cost
                raise
            passing = Passing(call, answer, route, self._journal, onward, drain_seconds=self._drain_seconds)
            try:
                await passing.run()
            finally:
                answer.abort()
                if passing.written:
                    self.written(arrival)
        finally:
            if covering.hold.takes:
                self._settle(covering.hold, passing, cost)

    def written(self, arrival: Arrival) -> None:
        """What became of the call is in the journal."""
        if arrival.intent is not None:
            self._intents.clear(arrival.intent)
            arrival.intent = None

    async def close(self) -> None:
        """Wait for what goes on behind answers that were given."""
        while self._behind:
            await asyncio.gather(*self._behind, return_exceptions=True)

    async def _sent(self, call: Admitted, method: bytes, covering: Covering) -> tuple[Answer, Route]:
        """The answer, and what the row says of the way there."""
        facts = call.facts
        wishes = wishes_of(call.ours)
        sending = Sending(
            method=method,
            target=call.asked.target,
            request_for=lambda model, route: _request(call, model, route),
            covers=covering.covers,
            model=call.facts.model if call.asked.polled is None else None,
            retries=wishes.retries,
            fallbacks=[model for model in wishes.fallbacks if allows(call.caller, model)],
        )
        try:
            return await send(self._pool, self._breaker, self._limits, call.routes, sending)
        finally:
            if (last := sending.made) is not None:
                facts.key_id = last.key_id
                facts.account_id = next(route.key.account_id for route in call.routes if route.key.id == last.key_id)
                if last.model is not None:
                    facts.more["fallbackFrom"], facts.model = facts.model, last.model
            if len(sending.attempts) > 1:
                facts.more["attempts"] = [attempt.told() for attempt in sending.attempts]

    def _settle(self, hold: Hold, passing: Passing | None, unanswered: Decimal | None) -> None:
        """Give back what was held, behind the answer. `unanswered` is what a call without one costs."""
        if passing is None:
            cost, tokens = unanswered, None if unanswered is None else 0
        else:
            cost, tokens = passing.cost, None if passing.used is None else passing.used.total_tokens
        task = asyncio.ensure_future(self._holds.settle(hold, cost, tokens))
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)


def _request(call: Admitted, model: str | None, route: Route) -> tuple[Sequence[Header], bytes]:
    """The request's headers and body for this way: as they came, but for a model that stands in, and the usage.

    What a stream says of its usage because we have asked is taken out of it again, and that cannot be done to one that
    is compressed: such a stream is asked for as it is.
    """
    headers, body = call.onward, call.body
    if model is not None:
        body = bodies.with_model(body, model)
    if bodies.must_ask(call.asked, call.wanted, server_takes_it=route.asks_for_usage):
        body = bodies.with_usage_asked(body)
        headers = [*(header for header in headers if header[0] != _ENCODINGS), (_ENCODINGS, b"identity")]
    return headers, body
