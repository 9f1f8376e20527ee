"""The seven steps that every route takes, in this order and nowhere else.

    1 rate limit    per credential and per network address
    2 authenticate  session cookie or access token; a request that only our own pages may make is checked for it
    3 validate      size, content type, then the route's Pydantic models
    4 authorize     the route's permission (the service asks again)
    5 do            the route's function
    6 audit         one row in the transaction of step 5, for whatever changes something
    7 answer        the envelope

A body that cannot even be parsed is looked at in step 3, so who is not signed in reads 401 whatever they sent.
"""

import functools
import hashlib
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, ParamSpec, TypeVar, cast, get_args, get_origin, get_type_hints

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlmodel import Session

from guardian import db, limits
from guardian.api.answers.envelope import Envelope, Failure, ListEnvelope, ListMetadata, Metadata
from guardian.api.answers.page_forms import back_to_page
from guardian.api.requests.bodies import read_body, replayed
from guardian.api.requests.origin import require_same_origin
from guardian.api.requests.uploading import FILE_BODY, Upload, spooled
from guardian.config import settings
from guardian.errors import AuthenticationError
from guardian.limits import Limit
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import audit
from guardian.services.people.access import sessions, tokens
from guardian.services.people.views import Page

COOKIE = "guardian_session"

# 100 requests a second for a script, and the double for an office behind one address.
PER_CREDENTIAL = Limit("api", count=6_000, seconds=60)
PER_ADDRESS = Limit("api-address", count=12_000, seconds=60)
# Sign-up, sign-in and reset cost an argon2 (35 ms) each: 300 take 10 s of a minute, from an office behind one address.
SIGNING = Limit("auth", count=300, seconds=60)

_SECURED: dict[str, Any] = {"security": [{"session": []}, {"accessToken": []}]}
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a route takes the steps. `page` is set for a plain HTML form: where its failure leads back to.

    `upload` is set for a route whose body is a file: it is kept on the disk, and is not read here.
    """

    permission: str | None
    action: str | None
    limit: Limit
    public: bool
    page: str | None
    upload: bool = False


@dataclass(slots=True)
class Call:
    """One request on its way through the steps; `actor` is there from step 2 on, unless the route is public."""

    request: Request
    rule: Rule
    upload: Upload | None = None
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
        credential = bearer or cookie
        limits.hit(PER_ADDRESS, self.ip_address or "unknown")
        key = hashlib.sha256(credential.encode()).hexdigest()[:32] if credential else self.ip_address or "unknown"
        limits.hit(self.rule.limit, key if not self.rule.public else self.ip_address or "unknown")
        if bearer is None:
            require_same_origin(self.request)
        if self.rule.public:
            return
        if credential is None:
            raise AuthenticationError
        find = sessions.actor_for_session if bearer is None else tokens.actor_for_token
        with db.session() as session:
            self.become(find(session, credential, request_id=self.request_id, ip_address=self.ip_address))

    def become(self, actor: Actor) -> None:
        """Go on as that person: step 2, or a sign-in that has just been made."""
        self._actor = actor
        self.request.state.actor = actor

    def authorize(self) -> None:
        """Step 4."""
        if self.rule.permission is not None:
            self.actor.require(self.rule.permission)

    @contextmanager
    def transaction(self, *, audited: bool = True) -> Generator[Session]:
        """Steps 5 and 6: one transaction, whose last act is the audit row of a route that has an action.

        `audited=False` is for what a route reads before the transaction that it is there for.
        """
        with db.session() as session:
            yield session
            if audited and self.rule.action is not None:
                self._audit(session, self.rule.action)
                self._audited = True

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
        self._audited = True

    def keep_cookie(self, token: str | None) -> None:
        """Answer with this session token in the cookie; "" takes the cookie away."""
        self._cookie = token

    def answer(self, result: Any) -> Any:
        """Step 7."""
        if self.rule.action is not None and not self._audited:
            raise RuntimeError(f"{self.rule.action} was done without an audit row")
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

    def _audit(self, session: Session, action: str) -> None:
        audit.record(
            session, self._actor, action, request_id=self.request_id, ip_address=self.ip_address, **self._facts
        )


class StepRoute(APIRoute):
    """Takes steps 1 to 3 around FastAPI's own handling; the wrapped endpoint takes 4 to 7."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        rule: Rule = getattr(self.endpoint, "rule")  # noqa: B009  # set by route(); a plain attribute is unknown to a type checker

        async def steps(request: Request) -> Response:
            call = Call(request, rule)
            request.state.call = call
            body = b""
            try:
                await run_in_threadpool(call.enter)
                if rule.upload:
                    call.authorize()  # before two gigabytes are taken from somebody who may not send them
                    async with spooled(request) as call.upload:
                        return call.finish(await handle(replayed(request, b"")))
                body = await read_body(request, form=rule.page is not None)
                return call.finish(await handle(replayed(request, body)))
            except Exception as error:
                if rule.page is None:
                    raise
                return back_to_page(rule.page, error, body)

        return steps


def current_call(request: Request) -> Call:
    return request.state.call


CallDep = Annotated[Call, Depends(current_call)]


def route(
    router: APIRouter,
    method: str,
    path: str,
    *,
    permission: str | None = None,
    action: str | None = None,
    status: int = 200,
    limit: Limit = PER_CREDENTIAL,
    public: bool = False,
    page: str | None = None,
    upload: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Put a function behind the seven steps. It takes `call: CallDep` and gives the data, or a Page of it.

    `action` names the audit row ("KEY_CREATE"); every route that changes something has one.
    """
    rule = Rule(permission=permission, action=action, limit=limit, public=public, page=page, upload=upload)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def endpoint(*args: P.args, **kwargs: P.kwargs) -> Any:
            call = kwargs["call"]
            assert isinstance(call, Call)
            call.authorize()
            return call.answer(function(*args, **kwargs))

        setattr(endpoint, "rule", rule)  # noqa: B010  # as in StepRoute
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=status,
            response_model=_envelope(get_type_hints(function)["return"]),
            responses={"4XX": {"model": Failure}, "5XX": {"model": Failure}},
            openapi_extra=({} if public else _SECURED) | (FILE_BODY if upload else {}),
            route_class_override=StepRoute,
            include_in_schema=page is None,
        )
        return function

    return decorate


def _envelope(data: Any) -> Any:
    if data is type(None) or data is None:
        return Envelope[None]
    if isinstance(data, type) and issubclass(data, Response):
        return None
    if get_origin(data) is Page:
        return ListEnvelope[get_args(data)[0]]
    return Envelope[data]


def _bearer(request: Request) -> str | None:
    """The access token of the Authorization header; an empty text for a header that holds none."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""
