"""auth/second-factor: one's own time-based codes, and the recovery codes behind them."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from guardian.api.answers.envelope import Body, Out, Time
from guardian.api.steps import SIGNING, CallDep, route
from guardian.services.people.access import second_factors

api = APIRouter(prefix="/api/v1/auth/second-factor", tags=["auth"])


class SecondFactorOut(Out):
    """`since` is null while it is off."""

    since: Time | None
    recovery_left: int


class NewSecondFactorOut(Out):
    """Shown once: the secret, and the address (otpauth) that apps read it from."""

    secret: str
    address: str


class RecoveryCodesOut(Out):
    """Shown once; each signs in once when the app is gone."""

    recovery_codes: list[str]


class CodeBody(Body):
    code: Annotated[str, StringConstraints(min_length=1, max_length=20)] = Field(examples=["123456"])


class ProofBody(Body):
    """A code of the app, a recovery code, or the password."""

    proof: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


@route(api, "GET", "", permission="account:read")
def get_second_factor(call: CallDep) -> SecondFactorOut:
    """Whether one's sign-in asks for a code."""
    with call.transaction() as opened:
        return SecondFactorOut.model_validate(second_factors.get(opened, call.actor))


@route(api, "POST", "", permission="account:update", action="SECOND_FACTOR_BEGIN", status=201, limit=SIGNING)
def begin(call: CallDep) -> NewSecondFactorOut:
    """A new secret; it counts once a code of it was given."""
    with call.transaction() as opened:
        secret, address = second_factors.begin(opened, call.actor)
        call.note("user", call.actor.user_id)
        return NewSecondFactorOut(secret=secret, address=address)


@route(api, "GET", "/qr", permission="account:update", fails=(404,))
def qr_code(call: CallDep) -> Response:
    """The new secret's address as an SVG image, until it counts."""
    with call.transaction() as opened:
        image = second_factors.qr_code(opened, call.actor)
    return Response(image, media_type="image/svg+xml", headers={"Content-Security-Policy": "default-src 'none'"})


@route(api, "POST", "/confirm", permission="account:update", action="SECOND_FACTOR_ENABLE", limit=SIGNING, fails=(404,))
def confirm(call: CallDep, body: CodeBody) -> RecoveryCodesOut:
    """Give a code of the app: from here on sign-ins ask for one."""
    with call.transaction() as opened:
        codes = second_factors.confirm(opened, call.actor, body.code)
        call.note("user", call.actor.user_id)
        return RecoveryCodesOut(recovery_codes=codes)


@route(
    api,
    "POST",
    "/recovery-codes",
    permission="account:update",
    action="SECOND_FACTOR_CODES",
    limit=SIGNING,
    fails=(404,),
)
def renew_codes(call: CallDep, body: ProofBody) -> RecoveryCodesOut:
    """New recovery codes in place of the old ones."""
    with call.transaction() as opened:
        codes = second_factors.renew_codes(opened, call.actor, body.proof)
        call.note("user", call.actor.user_id)
        return RecoveryCodesOut(recovery_codes=codes)


@route(
    api, "POST", "/disable", permission="account:update", action="SECOND_FACTOR_DISABLE", limit=SIGNING, fails=(404,)
)
def disable(call: CallDep, body: ProofBody) -> None:
    """Turn it off."""
    with call.transaction() as opened:
        second_factors.disable(opened, call.actor, body.proof)
        call.note("user", call.actor.user_id)
