"""Whether a call may go out at all: its token, its provider and model, its body, and the limits that hold for it."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from time import perf_counter
from typing import Any, Protocol

from guardian.gateway import attribution, bodies
from guardian.gateway.directory import Belongings, Directory
from guardian.gateway.holds import Hold, Holds
from guardian.gateway.http.headers import Header
from guardian.gateway.outgoing import Route
from guardian.gateway.paths import Asked
from guardian.gateway.recording import Facts
from guardian.gateway.refusing import Refused
from guardian.gateway.tokens import CREDENTIALS, token_of
from guardian.gateway.worst_case import WorstCases
from guardian.journal.writing import Journal
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.periods import utcnow
from guardian.services.people.access.callers import Caller

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_WITHOUT = (
    "There is no access token of AI Cost Guardian (gdn_…) in this request. Make one in the settings, with the scope "
    "gateway, and give it to your SDK in the place of the provider's key."
)
_ROOM = 0.9  # of the journal: calls that are under way find room in the rest


class CallerLeft(Exception):
    """The connection was closed before the request was whole."""


class Departure(Protocol):
    """Whether the caller has `left`, and whom to call when it does, until that is taken away again."""

    left: bool
    on_leave: Callable[[], None] | None


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A request that means a provider. `began` is of perf_counter; `facts` are there once it is known who calls.

    `intent` is where it is noted as being under way.
    """

    asked: Asked
    request_id: str
    headers: list[Header]
    departure: Departure
    started: datetime = field(default_factory=utcnow)
    began: float = field(default_factory=perf_counter)
    facts: Facts | None = None
    intent: int | None = None

    @property
    def milliseconds(self) -> int:
        """Since it began."""
        return round((perf_counter() - self.began) * 1000)


@dataclass(slots=True, kw_only=True)  # frozen ones take three times as long to make
class Entered:
    """Who calls, and by which ways it may go out. `ours` of the headers are for the gateway, `onward` go on."""

    arrival: Arrival
    caller: Caller
    facts: Facts
    belongings: Belongings
    routes: Sequence[Route]
    ours: Sequence[Header]
    onward: Sequence[Header]

    @property
    def asked(self) -> Asked:
        return self.arrival.asked


@dataclass(slots=True, kw_only=True)
class Admitted(Entered):
    """A metered call that may go out, once: `hold` is what is kept of its budgets until it is over."""

    wanted: bodies.Wanted
    body: bytes
    hold: Hold


class Admission:
    """Lets calls in, or raises Refused, AuthenticationError, BudgetExceeded, RateLimitError, ValidationError."""

    def __init__(self, directory: Directory, holds: Holds, journal: Journal, *, most_journal: int, most_body: int):
        self._directory, self._holds, self._journal = directory, holds, journal
        self._most_journal, self._most_body = most_journal * _ROOM, most_body
        self._worst_cases = WorstCases()

    async def admit(self, arrival: Arrival, query: bytes, receive: Receive) -> Admitted:
        """All checks of a metered call; its body is read, and its worst case held against its budgets."""
        entered = await self.enter(arrival, query)
        # Asking after work that was begun before is no new request.
        if (full := entered.belongings.full) is not None and arrival.asked.polled is None:
            raise Refused("plan_limit", full.message, details=full.details)
        if self._journal.waiting_bytes > self._most_journal or self._journal.is_full:
            message = "The gateway cannot write calls down at the moment, and sends none that it cannot account for."
            raise Refused("unavailable", message, retry_after=5, error_class="policy_journal_full")
        body = await self._read(receive)
        wanted = _wanted(arrival, body)
        facts, caller, asked = entered.facts, entered.caller, arrival.asked
        facts.model, facts.streamed = wanted.model, wanted.stream
        _attribute(facts, entered.ours, wanted, caller.default_tags)
        if not allows(caller, wanted.model):
            models = ", ".join(caller.models)
            raise Refused("model_forbidden", f"This token may not call the model {wanted.model!r}, only {models}.")
        hold = await self._holds.reserve(
            caller,
            provider=asked.provider,
            model=wanted.model,
            tags=facts.tags,
            key_id=entered.routes[0].key.id,
            worst=self.worst(entered, wanted, wanted.model, entered.routes[0]),
            tokens=wanted.input_estimate,
        )
        return Admitted(
            arrival=arrival,
            caller=caller,
            facts=facts,
            belongings=entered.belongings,
            routes=entered.routes,
            ours=entered.ours,
            onward=entered.onward,
            wanted=wanted,
            body=body,
            hold=hold,
        )

    async def enter(self, arrival: Arrival, query: bytes) -> Entered:
        """Who calls, and the keys that may go out: the checks that an unmetered request takes, too."""
        secret = token_of(arrival.headers, query)
        if secret is None:
            raise Refused("token_rejected", _WITHOUT)
        caller = await self._directory.caller(secret)
        provider, endpoint = arrival.asked.provider, arrival.asked.endpoint
        facts = arrival.facts = Facts(
            request_id=arrival.request_id,
            caller=caller,
            started=arrival.started,
            provider=provider,
            operation=endpoint.operation if endpoint else "",
            model=arrival.asked.model or "",
        )
        if "gateway" not in caller.scopes:
            raise Refused("forbidden", "This access token has no scope gateway. Make one that has it in the settings.")
        if caller.providers and provider not in caller.providers:
            names = ", ".join(PROVIDER_NAMES[each] for each in sorted(caller.providers))
            raise Refused("forbidden", f"This token may not call {PROVIDER_NAMES[provider]}, only {names}.")
        belongings = await self._directory.belongings(caller.organization_id)
        routes = _mine(belongings.routes.get(provider, ()), arrival.asked, caller)
        kept, ours = attribution.split(arrival.headers)
        onward = [header for header in kept if header[0] not in CREDENTIALS]
        return Entered(
            arrival=arrival,
            caller=caller,
            facts=facts,
            belongings=belongings,
            routes=routes,
            ours=ours,
            onward=onward,
        )

    def worst(self, entered: Entered, wanted: bodies.Wanted, model: str, route: Route) -> Decimal | None:
        """The most that it can cost; asking after work that was held for when it began costs nothing more."""
        provider = entered.asked.provider
        if not entered.belongings.budgets or entered.asked.polled is not None:
            return Decimal(0)
        return self._worst_cases.of(
            provider,
            model,
            entered.belongings.overrides.get(provider, ()),
            route.key.id,
            input_tokens=wanted.input_estimate,
            most_output=wanted.most_output_tokens,
            answers=wanted.answers,
            terms=wanted.terms,
            tools=wanted.tools,
        )

    async def _read(self, receive: Receive) -> bytes:
        """The body, whole. Raises Refused for one that is too long, CallerLeft when the caller goes away."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CallerLeft
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._most_body:
                raise Refused("too_large", f"The body of a request may have {self._most_body:,} bytes at most.")
            if not message.get("more_body"):
                return part if not parts else b"".join((*parts, part))
            parts.append(part)


def allows(caller: Caller, model: str) -> bool:
    """Whether the caller's token may call this model."""
    return not caller.models or any(fnmatchcase(model, pattern) for pattern in caller.models)


def _attribute(facts: Facts, ours: Sequence[Header], wanted: bodies.Wanted, defaults: Mapping[str, str]) -> None:
    found = attribution.attribution_of(ours, wanted.user, wanted.tags)
    facts.user, facts.session = found.user, found.session
    facts.tags = {**defaults, **found.tags} if defaults else found.tags
    if found.metadata:
        facts.more["metadata"] = dict(found.metadata)
    if found.ignored:
        facts.more["ignoredAttribution"] = found.ignored


def _wanted(arrival: Arrival, body: bytes) -> bodies.Wanted:
    """What the body asks for. Raises ValidationError for one that is none."""
    asked = arrival.asked
    if not body and asked.polled is not None:
        return bodies.Wanted(model=asked.model or "")
    kind = next((value for name, value in arrival.headers if name == b"content-type"), b"")
    if not kind.lower().startswith(b"multipart/"):
        return bodies.wanted_of(asked, body)
    form = bodies.Form(kind)
    form.feed(body)
    return bodies.wanted_of_form(asked, form)


def _mine(routes: Sequence[Route], asked: Asked, caller: Caller) -> Sequence[Route]:
    """The ways that this call may take: of one label, or of any; a person's own keys first. Raises Refused."""
    if asked.label is not None:
        routes = [route for route in routes if route.key.label == asked.label]
    if not routes:
        name = PROVIDER_NAMES[asked.provider]
        if asked.provider is Provider.CUSTOM:
            raise Refused("not_found", f"No key with the label {asked.label!r} is stored. Add one under Keys.")
        raise Refused("invalid_request", f"No key of {name} for calls is stored and switched on. Add one under Keys.")
    if len(routes) == 1:
        return routes
    return sorted(routes, key=lambda route: route.key.user_id != caller.user_id)
