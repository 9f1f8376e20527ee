"""organization/sign-in: how the people of an organization's verified domain have to sign in."""

from fastapi import APIRouter
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out
from guardian.api.steps import CallDep, route
from guardian.services.people import sign_in_rules

api = APIRouter(prefix="/api/v1/organization/sign-in", tags=["organization"])


class SignInRuleOut(Out):
    """Members with an address of `domain` sign in with `provider` alone; null leaves them free."""

    domain: str | None
    provider: str | None


class SignInRuleBody(Body):
    provider: Line | None = Field(examples=["google"])


@route(api, "GET", "", permission="organization:read")
def get_rule(call: CallDep) -> SignInRuleOut:
    """The rule."""
    with call.transaction() as opened:
        return SignInRuleOut.model_validate(sign_in_rules.get_rule(opened, call.actor))


@route(api, "PUT", "", permission="organization:update", action="ORGANIZATION_SIGN_IN")
def set_rule(call: CallDep, body: SignInRuleBody) -> SignInRuleOut:
    """Ask for a provider from the next sign-in on; null asks for none."""
    with call.transaction() as opened:
        before = sign_in_rules.get_rule(opened, call.actor).provider
        rule = sign_in_rules.set_rule(opened, call.actor, body.provider or None)
        call.note("organization", call.actor.organization_id, before=before, after=rule.provider)
        return SignInRuleOut.model_validate(rule)
