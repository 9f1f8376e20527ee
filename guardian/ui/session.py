"""Who looks at a page: from the HttpOnly cookie to an Actor, checked in every handler, and what all pages share.

A page is one module with one flat State that takes `Page` as a mixin:

    class KeysState(Page, rx.State):
        _live_events = frozenset({JOB_UPDATE})
        rows: list[KeyRow] = []

        @classmethod
        def _read(cls, session, actor, query): ...   # services, in a thread, one transaction
        def _show(self, view): ...                    # a service's view into vars of text

        @rx.event
        async def delete(self, key_id: str):
            await self._call(lambda session, actor: keys.delete(session, actor, key_id))
            await self._refresh()

`load` is the page's on_load. Every public method can be called by any browser: it reaches data only through `_call`,
which finds the actor anew. Helpers start with an underscore. The cookie's value never enters a var.
"""

from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeVar
from urllib.parse import urlencode

import reflex as rx
from reflex.event import Event
from reflex.state import StateUpdate
from sqlmodel import Session

from guardian import db
from guardian.errors import AuthenticationError, AuthorizationError, GuardianError
from guardian.models.base import new_id
from guardian.models.enums import UserRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.alerts import firing_count
from guardian.services.people.access import accounts
from guardian.services.people.access.sessions import actor_for_session
from guardian.services.people.billing.standing import owed_sentence
from guardian.ui.cookie import session_token
from guardian.ui.live_hub import Alarm, Query, Watch, hub
from guardian.ui.toasts import alarm_toasts

T = TypeVar("T")
# What a handler may end with: a toast, a redirect, both, or nothing.
Said: TypeAlias = rx.event.EventSpec | list[rx.event.EventSpec] | None

# Set by the handler that runs, read by the exception handlers: the id that a person can quote.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


class NotSignedIn(AuthenticationError):
    """No cookie, or one of a session that is over: the way on is `sign_in_address`, which leads back to `wanted`."""

    def __init__(self, wanted: str = "", *, was_signed_in: bool = False) -> None:
        super().__init__("You are not signed in. Sign in to go on.")
        query = {"error": "signed-out"} if was_signed_in else {}
        # Signing in leads to the dashboard anyway.
        if wanted not in ("", "/dashboard"):
            query["next"] = wanted
        self.sign_in_address = f"/?{urlencode(query)}" if query else "/"


@dataclass(frozen=True)
class Viewer:
    """The signed-in person as the frame shows them; all empty until the page is loaded.

    `impersonated`: who runs the installation looks through this person's eyes. `owes` is set while a payment of the
    organization failed, for those who can mend it.
    """

    id: str = ""
    name: str = ""
    email: str = ""
    organization: str = ""
    zone: str = ""
    role: str = ""
    is_super_admin: bool = False
    impersonated: bool = False
    permissions: tuple[str, ...] = ()
    owes: str = ""


class Page(rx.State, mixin=True):
    """What all pages share: the viewer, the state of loading, one error with its request id, and the way to an actor.

    `loaded` turns True with the first data and stays: skeletons show before, dimmed old data on later reads.
    `firing` is how many alerts of the organization fire, on every page.
    """

    # Live messages (guardian.live) after which the page is read anew and pushed.
    _live_events: ClassVar[frozenset[str]] = frozenset()

    viewer: Viewer = Viewer()
    loading: bool = True
    loaded: bool = False
    problem: str = ""
    problem_id: str = ""
    firing: int = 0

    @rx.event
    async def load(self) -> AsyncGenerator[None]:
        """Read the page: when it is opened, when its URL changes, and when a lost connection is back."""
        self.loading = True
        yield
        await self._refresh()

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> Any:
        """What the page shows, read through services; runs in a thread and belongs to nobody in particular.

        Pages of one organization with equal queries and permissions share one read after a live message.
        """
        return None

    @classmethod
    def _read_own(cls, session: Session, actor: Actor) -> Any:
        """What the page shows to this person alone; it never comes with a live message."""
        return None

    def _show(self, view: Any) -> None:
        """Put what `_read` found into vars, as text."""

    def _show_own(self, own: Any) -> None:
        """Put what `_read_own` found into vars, as text."""

    def _query(self) -> Query:
        """The URL's parameters that decide what is read."""
        return tuple(sorted(self.router.url.query_parameters.items()))

    async def _refresh(self) -> None:
        """Read and show the page; an error becomes the page's error state. Raises NotSignedIn.

        Who may not read the page still sees whose it is, and the way to the others.
        """
        query, read, read_own = self._query(), self._read, self._read_own

        def work(session: Session, actor: Actor) -> tuple[Actor, Viewer, int, Any, Any, AuthorizationError | None]:
            viewer, firing = _viewer(session, actor), firing_count(session, actor) if actor.can("alerts:read") else 0
            try:
                return actor, viewer, firing, read(session, actor, query), read_own(session, actor), None
            except AuthorizationError as refused:
                return actor, viewer, firing, None, None, refused

        try:
            actor, self.viewer, self.firing, view, own, refused = await self._call(work)
            if refused is not None:
                raise refused
            self._show(view)
            self._show_own(own)
        except NotSignedIn:
            raise
        except GuardianError as error:
            self.problem, self.problem_id = error.message, current_request_id.get()
            return
        finally:
            self.loading = False
        self.loaded, self.problem, self.problem_id = True, "", ""
        token = self.router.session.client_token
        # A background handler sees a proxy, whose type is not the page's class.
        hub.watch(token, Watch(self.__class__, actor, query, self._live_events))

    async def _call(self, work: Callable[[Session, Actor], T]) -> T:
        """Run `work` as the signed-in person, in a thread and in one transaction; what it returns.

        Raises NotSignedIn, and whatever `work` raises; the exception handlers of the application show both.
        """
        request_id = new_id()
        current_request_id.set(request_id)
        token = session_token(self.router.headers.cookie)
        url = self.router.url
        wanted = f"{url.path}?{url.query}" if url.query else url.path
        if token is None:
            raise NotSignedIn(wanted)
        address: str = self.router.session.client_ip
        try:
            result: T = await rx.run_in_thread(partial(_as_actor, token, request_id, address, work))
        except NotSignedIn:
            raise NotSignedIn(wanted, was_signed_in=True) from None
        return result

    async def _try(self, work: Callable[[Session, Actor], T]) -> T | GuardianError:
        """`_call`, but a refusal is given back, to be said beside what was asked for. Raises NotSignedIn."""
        try:
            return await self._call(work)
        except NotSignedIn:
            raise
        except GuardianError as error:
            return error

    async def _actor(self) -> Actor:
        """The signed-in person. Raises NotSignedIn."""
        return await self._call(lambda _session, actor: actor)


def _as_actor(token: str, request_id: str, address: str, work: Callable[[Session, Actor], T]) -> T:
    with db.session() as session:
        try:
            actor = actor_for_session(session, token, request_id=request_id, ip_address=address)
        except AuthenticationError:
            raise NotSignedIn from None
        return work(session, actor)


def _viewer(session: Session, actor: Actor) -> Viewer:
    me = accounts.me(session, actor)
    return Viewer(
        id=me.id,
        name=me.name or me.email,
        email=me.email,
        organization=me.organization.name,
        zone=me.organization.time_zone,
        role=me.team_role.value.capitalize(),
        is_super_admin=me.role is UserRole.SUPER_ADMIN,
        impersonated=actor.impersonator_id is not None,
        permissions=me.permissions,
        owes=owed_sentence(session, actor, utcnow()),
    )


def connect_hub(app: rx.App) -> None:
    """Let the live hub push to the open pages of this application, run with it, and forget pages that close."""

    namespace: Any = app.event_namespace

    async def push(token: str, page: Any, view: Any, is_wanted: Callable[[], bool]) -> bool:
        async with app.modify_state(rx.BaseStateToken(ident=token, cls=page)) as root:
            if not is_wanted():  # by now: this may have waited for a handler
                return False
            state = await root.get_state(page)
            state._show(view)
            return True

    async def tell(token: str, page: Any, firing: int, alarms: tuple[Alarm, ...]) -> None:
        async with app.modify_state(rx.BaseStateToken(ident=token, cls=page)) as root:
            state = await root.get_state(page)
            state.firing = firing
        said = alarm_toasts(alarms)
        if said:
            update = StateUpdate(events=Event.from_event_type(said))
            await namespace.emit_update(update=update, token=token)

    hub.push, hub.tell = push, tell
    app.register_lifespan_task(hub.run)
    close = namespace.on_disconnect

    def on_disconnect(sid: str, *_reason: str) -> Any:
        token = namespace.sid_to_token.get(sid)
        # A tab that is already back on a new connection stays.
        if token is not None and namespace.token_to_sid.get(token) == sid:
            hub.forget(token)
        return close(sid)

    namespace.on_disconnect = on_disconnect
