"""One request on its way through the steps: who makes it, what it did, and how it is answered."""

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import Request, Response
from sqlmodel import Session

from guardian import db, limits
from guardian.api.answers.envelope import Envelope, ListEnvelope, ListMetadata, Metadata
from guardian.api.answers.limit_headers import tightest
from guardian.api.requests.origin import require_same_origin
from guardian.api.requests.uploading import Upload
from guardian.api.steps import owners
from guardian.api.steps.conditions import Condition, condition_of, tagged
from guardian.api.steps.repeating import Repeat, begin, key_of
from guardian.config import settings
from guardian.errors import AuthenticationError
from guardian.limits import Limit, Standing
from guardian.models.base import Row
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import audit
from guardian.services.people.access import sessions, tokens
from guardian.services.people.views import Page

COOKIE = "guardian_session"

# 100 requests a second for a script, and the double for somebody with several, and for an office behind one address.
PER_CREDENTIAL = Limit("api", count=6_000, seconds=60)
PER_USER = Limit("api-user", count=12_000, seconds=60)
PER_ADDRESS = Limit("api-address", count=12_000, seconds=60)
# Sign-up, sign-in and reset cost an argon2 (35 ms) each: 300 take 10 s of a minute, from an office behind one address.
SIGNING = Limit("auth", count=300, seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a route takes the steps. `page` is set for a plain HTML form: where its failure leads back to.

    `upload` is set for a route whose body is a file: it is kept on the disk, and is not read here. `row` is the table
    whose row the route reads or changes, by the first id of its path: its version goes into ETag, and holds If-Match.
    `fails` are statuses that it answers with besides those of the steps; `file` is set where its answer is no envelope.
    """

    permission: str | None
    action: str | None
    limit: Limit
    public: bool
    page: str | None
    upload: bool = False
    row: type[Row] | None = None
    status: int = 200
    fails: tuple[int, ...] = ()
    file: bool = False


@dataclass(slots=True)
class Call:
    """One request on its way through the steps; `actor` is there from step 2 on, unless the route is public."""

    request: Request
    rule: Rule
    upload: Upload | None = None
    body: bytes = b""
    repeat: Repeat | None = None
    condition: Condition | None = None
    _actor: Actor | None = None
    _cookie: str | None = None
    _audited: bool = False
    _facts: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def actor(self) -> Actor:
        if self._actor is None:
            raise AuthenticationError
        return self._actor

    @property
    def request_id(self) -> str:
        return self.request.state.request_id

    @property
    def ip_address(self) -> str | None:
        return self.request.client.host if self.request.client else None

    def enter(self) -> None:
        """Steps 1 and 2. Raises RateLimitError, AuthenticationError, AuthorizationError (a foreign page)."""
        bearer, cookie = _bearer(self.request), self.request.cookies.get(COOKIE)
        credential, address = bearer or cookie, self.ip_address or "unknown"
        key = address
        if credential and not self.rule.public:
            key = hashlib.sha256(credential.encode()).hexdigest()[:32]
        owner = None if self.rule.public else owners.owner_of(key)
        self._count((PER_ADDRESS, address), (self.rule.limit, key), *([(PER_USER, owner)] if owner else []))
        if bearer is None:
            require_same_origin(self.request)
        if self.rule.public:
            return
        if credential is None:
            raise AuthenticationError
        find = sessions.actor_for_session if bearer is None else tokens.actor_for_token
        try:
            with db.session() as session:
                self.become(find(session, credential, request_id=self.request_id, ip_address=self.ip_address))
        except AuthenticationError:
            owners.forget(key)
            raise
        if owner != self.actor.user_id:
            self._count((PER_USER, self.actor.user_id))
            owners.remember(key, self.actor.user_id)

    def _count(self, *counted: tuple[Limit, str]) -> None:
        state = self.request.state
        standings = limits.take(*counted)
        state.standing = tightest([*standings, *self._standings()])
        limits.refuse(*standings)

    def _standings(self) -> list[Standing]:
        known: Standing | None = getattr(self.request.state, "standing", None)
        return [known] if known else []

    def become(self, actor: Actor) -> None:
        """Go on as that person: step 2, or a sign-in that has just been made."""
        self._actor = actor
        self.request.state.actor = actor

    def authorize(self) -> None:
        """Step 4."""
        if self.rule.permission is not None:
            self.actor.require(self.rule.permission)

    def begin(self) -> Response | None:
        """Between 4 and 5: If-Match and Idempotency-Key; the answer of the first time where this is a repetition.

        Raises ApiError: 409 while the first one runs, 412, 422.
        """
        if self._actor is None:
            return None
        self.condition = condition_of(self.request, self.rule.row, self._actor.organization_id)
        key = key_of(self.request)
        if key is None:
            return None
        found = begin(self.request, self._actor, key, body=self.body, upload=self.upload, status=self.rule.status)
        if isinstance(found, Response):
            return found
        self.repeat = found
        return None

    def end(self, response: Response | None) -> None:
        """Keep the answer for those who send the request again; None where it failed."""
        if self.repeat is not None:
            self.repeat.end(response)

    @contextmanager
    def transaction(self, *, audited: bool = True) -> Generator[Session]:
        """Steps 5 and 6: one transaction, whose last act is the audit row of a route that has an action.

        `audited=False` is for what a route reads before the transaction that it is there for.
        """
        with db.session() as session:
            if self.rule.action is None:
                db.prefer_replica(session)
            changes = audited and self.rule.action is not None
            if self.condition:
                self.condition.look(session, self.actor, holds=changes)
            yield session
            if self.rule.action is not None and changes:
                self._audit(session, self.rule.action)
                self._audited = True
                if self.repeat:
                    self.repeat.mark(session)
                if self.condition:
                    self.condition.look_again(session, self.actor)

    def note(self, resource_type: str, resource_id: str | None = None, **facts: Any) -> None:
        """What the audit row will say."""
        self._facts = {"resource_type": resource_type, "resource_id": resource_id, "metadata": facts}

    def audit_failure(self, action: str, **facts: Any) -> None:
        """An audit row of its own for an action that was refused and whose transaction is rolled back."""
        with db.session() as session:
            self._facts = {"metadata": facts}
            self._audit(session, action)

    def nothing_done(self) -> None:
        """There was nothing to change, so there is nothing to audit."""
        self._audited, self.condition = True, None

    def keep_cookie(self, token: str | None) -> None:
        """Answer with this session token in the cookie; "" takes the cookie away."""
        self._cookie = token

    def answer(self, result: Any) -> Any:
        """Step 7."""
        if self.rule.action is not None and not self._audited:
            raise RuntimeError(f"{self.rule.action} was done without an audit row")
        if self.condition is not None and self.condition.was_ignored:
            raise RuntimeError(f"{self.rule.action} was done without a look at If-Match")
        if isinstance(result, Response):
            return result
        elapsed = round((time.perf_counter() - self.request.state.started) * 1000)
        facts: dict[str, Any] = {"timestamp": utcnow(), "request_id": self.request_id, "response_time": elapsed}
        if isinstance(result, Page):
            page = cast("Page[Any]", result)
            return ListEnvelope[Any](
                data=list(page.items), metadata=ListMetadata(**facts, next_cursor=page.next_cursor)
            )
        return Envelope[Any](data=result, metadata=Metadata(**facts))

    def finish(self, response: Response) -> Response:
        """What every answer has besides its body: its tag, and the cookie that the route gave."""
        response = tagged(self.request, response, self.condition.version if self.condition else None)
        if self._cookie is not None:
            response.set_cookie(
                COOKIE,
                self._cookie,
                max_age=int(sessions.LIFETIME.total_seconds()) if self._cookie else 0,
                path="/",
                secure=settings().base_url.startswith("https://"),
                httponly=True,
                samesite="lax",
            )
        return response

    def audit(self, session: Session, action: str) -> None:
        """An audit row now, for a route whose action is decided on the way."""
        self._audit(session, action)
        self._audited = True

    def _audit(self, session: Session, action: str) -> None:
        audit.record(
            session, self._actor, action, request_id=self.request_id, ip_address=self.ip_address, **self._facts
        )


def _bearer(request: Request) -> str | None:
    """The access token of the Authorization header; an empty text for a header that holds none."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""
