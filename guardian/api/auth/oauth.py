"""auth/oauth: to a sign-in provider and back. Both are visits of a browser, so both answer by leading it on.

What the way back is checked against is sealed into a short-lived cookie that scripts cannot read: another browser does
not have it. It is used once, whatever comes of it.
"""

from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter
from fastapi.responses import RedirectResponse
from pydantic import Field

from guardian import limits
from guardian.api.answers import failures
from guardian.api.answers.envelope import Out
from guardian.api.auth import forms, signing
from guardian.api.steps import COOKIE, SIGNING, Call, CallDep, route
from guardian.config import settings
from guardian.crypto import hash_token
from guardian.errors import (
    AuthenticationError,
    GuardianError,
    NotFoundError,
    RateLimitError,
    SignInRefused,
    ValidationError,
)
from guardian.identity import Begun, Identity, IdentityProvider, begin, configured, finish, provider_named
from guardian.limits import Limit
from guardian.services.people.access import identities, oauth_links, problems, sessions, verification
from guardian.services.people.access.oauth_links import Journey

api = APIRouter(prefix="/api/v1/auth/oauth", tags=["auth"])

JOURNEY_COOKIE = "guardian_oauth"
JOURNEY_PATH = "/api/v1/auth/oauth"
SETTINGS = "/settings"
_MAX_NEXT = 1_000  # a cookie holds 4 kB, sealed as hex
_ONCE = Limit("oauth-state", count=1, seconds=int(oauth_links.LIFETIME.total_seconds()))


class SignInProviderOut(Out):
    """`login` is where a browser goes to sign in with it."""

    name: str = Field(examples=["google"])
    label: str = Field(examples=["Google"])
    login: str = Field(examples=["/api/v1/auth/oauth/google/login"])


class LinkOut(Out):
    """`location` is where the same browser goes, within ten minutes, to link the identity."""

    location: str


class IdentityOut(Out):
    """One's own identity at a provider; the rest is null while it is not linked."""

    provider: str
    label: str
    linked: bool
    email: str | None


class WaysInOut(Out):
    """How one can sign in."""

    password: bool
    email_verified: bool
    identities: list[IdentityOut]


@route(api, "GET", "", limit=SIGNING, public=True)
def list_providers(call: CallDep) -> list[SignInProviderOut]:
    """The providers that this installation lets people sign in with."""
    return [
        SignInProviderOut(name=each.name, label=each.label, login=f"{JOURNEY_PATH}/{each.name}/login")
        for each in configured()
    ]


@route(api, "GET", "/identities", permission="account:read")
def list_identities(call: CallDep) -> WaysInOut:
    """How one can sign in, and what could be linked."""
    with call.transaction() as opened:
        return WaysInOut.model_validate(identities.ways_in(opened, call.actor))


@route(api, "POST", "/{provider}/link", permission="account:update", action="ACCOUNT_LINK_BEGIN", limit=SIGNING)
def begin_link(call: CallDep, provider: str) -> LinkOut:
    """Begin to link an identity at that provider: where one's browser has to go."""
    with call.transaction() as opened:
        token = oauth_links.ticket(opened, call.actor, provider_named(provider).name)
        call.note("account", None, provider=provider)
    return LinkOut(location=f"{JOURNEY_PATH}/{provider}/login?{urlencode({'link': token})}")


@route(api, "DELETE", "/{provider}", permission="account:update", action="ACCOUNT_UNLINK", fails=(409,))
def unlink(call: CallDep, provider: str) -> None:
    """Sign in with that provider no more; never the last way in."""
    with call.transaction() as opened:
        identities.unlink(opened, call.actor, provider)
        call.note("account", None, provider=provider)


@route(api, "GET", "/{provider}/login", limit=SIGNING, public=True, page=forms.SIGN_IN_PAGE)
def login(call: CallDep, provider: str, next: str = "", link: str = "") -> RedirectResponse:
    """To the provider; `next` is the page of ours to come back to, `link` says that who is signed in wants a link."""
    chosen = _provider(provider)
    public = urlsplit(settings().base_url)
    if call.request.headers.get("host", "").lower() != public.netloc.lower():
        # The provider leads back to the public address: the cookie has to be of that one, and of no name that a
        # request made up.
        return forms.go(f"{settings().base_url}{call.request.url.path}?{call.request.url.query}".rstrip("?"))
    session_id = ""
    if link:
        session_id = _own_session(call)
        oauth_links.require_ticket(link, chosen.name, session_id)
    address, begun = begin(chosen)
    journey = Journey(
        provider=chosen.name,
        state=begun.state,
        nonce=begun.nonce,
        verifier=begun.verifier,
        wanted=forms.local_path(next) if len(next) <= _MAX_NEXT else forms.HOME,
        session_id=session_id,
    )
    sent = forms.go(address)
    sent.set_cookie(
        JOURNEY_COOKIE,
        oauth_links.sealed(journey),
        max_age=int(oauth_links.LIFETIME.total_seconds()),
        path=JOURNEY_PATH,
        secure=public.scheme == "https",
        httponly=True,
        # Lax: the provider's page leads back here by a plain visit, which must bring it.
        samesite="lax",
    )
    return sent


@route(api, "GET", "/{provider}/callback", action="AUTH_LOGIN", limit=SIGNING, public=True, page=forms.SIGN_IN_PAGE)
def callback(call: CallDep, provider: str) -> RedirectResponse:
    """Back from the provider: signed in, asked for a code, linked, or told what went wrong on the page begun from."""
    journey: Journey | None = None
    try:
        chosen = _provider(provider)
        journey = _journey(call, chosen)
        identity = finish(
            chosen, dict(call.request.query_params), Begun(journey.state, journey.nonce, journey.verifier)
        )
        gone = _link(call, journey, identity) if journey.session_id else _sign_in(call, journey, identity)
    except GuardianError as error:
        call.nothing_done()
        failures.report(error, error)
        call.audit_failure("AUTH_LOGIN_REFUSED", provider=provider, reason=getattr(error, "reason", error.code))
        query = urlencode({"error": problems.code_of(error)})
        gone = forms.go(f"{SETTINGS if journey and journey.session_id else forms.SIGN_IN_PAGE}?{query}")
    gone.delete_cookie(JOURNEY_COOKIE, path=JOURNEY_PATH)
    return gone


def _journey(call: Call, chosen: IdentityProvider) -> Journey:
    """What this browser began. Raises SignInRefused (oauth-state) unless it began just this, and did not end it yet."""
    lost = SignInRefused("oauth-state", "This sign-in was not begun in this browser, or is over. Begin it again.")
    try:
        journey = oauth_links.opened(call.request.cookies.get(JOURNEY_COOKIE, ""))
        if journey.provider != chosen.name or journey.state != call.request.query_params.get("state"):
            raise lost
        limits.hit(_ONCE, hash_token(journey.state)[:32])
    except (ValidationError, RateLimitError):
        raise lost from None
    return journey


def _sign_in(call: Call, journey: Journey, identity: Identity) -> RedirectResponse:
    with call.transaction(audited=False) as opened:
        user, is_new = identities.sign_in_with(opened, identity)
        if is_new:
            verification.welcome(opened, user)
        outcome = signing.enter(call, opened, user, identity.provider)
    return forms.after(outcome, journey.wanted)


def _link(call: Call, journey: Journey, identity: Identity) -> RedirectResponse:
    """The browser has to be signed in still, by the session that the link was asked for in."""
    if _own_session(call) != journey.session_id:
        raise SignInRefused("oauth-other", "You were signed out before the link was made. Try again.")
    with call.transaction(audited=False) as opened:
        identities.link(opened, call.actor, identity)
        call.note("account", None, provider=identity.provider, email=identity.email)
        call.audit(opened, "ACCOUNT_LINK")
    return forms.go(f"{SETTINGS}?linked={identity.provider}#security")


def _own_session(call: Call) -> str:
    """The session of the cookie, whose person the call becomes; the route is public, since strangers sign in by it."""
    try:
        with call.transaction(audited=False) as opened:
            actor = sessions.actor_for_session(
                opened, call.request.cookies.get(COOKIE, ""), request_id=call.request_id, ip_address=call.ip_address
            )
    except AuthenticationError:
        raise SignInRefused("oauth-other", "You were signed out before the link was made. Try again.") from None
    call.become(actor)
    return actor.session_id or ""


def _provider(name: str) -> IdentityProvider:
    try:
        return provider_named(name)
    except NotFoundError:
        raise SignInRefused("oauth-missing", "This installation is not set up for that sign-in provider.") from None
