"""account/onboarding: how far one's organization is with its first steps, and what one wants to see of them."""

from fastapi import APIRouter
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out
from guardian.api.steps import CallDep, route
from guardian.services.people import onboarding
from guardian.services.people.onboarding import Step

api = APIRouter(prefix="/api/v1/account/onboarding", tags=["account"])


class StepOut(Out):
    """`done` is what is really there; `skipped` is what this person said."""

    name: Step
    done: bool
    skipped: bool


class OnboardingOut(Out):
    """The steps that this person's role lets them take. `next` is the first that is neither done nor skipped."""

    steps: list[StepOut]
    next: Step | None
    complete: bool
    dismissed: bool


class OnboardingBody(Body):
    """What to change; what is left out stays. `skipped` are all the steps that are skipped, [] for none."""

    skipped: list[Line] | None = Field(default=None, max_length=len(Step))
    dismissed: bool | None = Field(default=None, strict=True)


@route(api, "GET", "", permission="account:read")
def get_onboarding(call: CallDep) -> OnboardingOut:
    """The first steps: connect a provider, see spend, set a budget, invite the team. Done is what is there."""
    with call.transaction() as session:
        return OnboardingOut.model_validate(onboarding.onboarding(session, call.actor))


@route(api, "PATCH", "", permission="account:update", action="ONBOARDING_UPDATE")
def update_onboarding(call: CallDep, body: OnboardingBody) -> OnboardingOut:
    """Skip steps, take that back, put the card away or fetch it again. Nothing marks a step done but doing it."""
    with call.transaction() as session:
        found = onboarding.update_onboarding(session, call.actor, skipped=body.skipped, dismissed=body.dismissed)
        call.note("user", call.actor.user_id, **body.model_dump(by_alias=True, exclude_none=True))
        return OnboardingOut.model_validate(found)
