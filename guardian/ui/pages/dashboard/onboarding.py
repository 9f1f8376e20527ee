"""The first steps of an organization as the dashboard's card tells them: pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass

from guardian.services.people.onboarding import OnboardingView, Step, StepView


@dataclass(frozen=True)
class SetupStep:
    """One step: `state` is done, skipped, next or later; `verb` and `href` lead to where it is done."""

    name: str
    number: str
    title: str
    text: str
    state: str
    said: str
    verb: str
    href: str


@dataclass(frozen=True)
class _Words:
    title: str
    text: str
    done: str
    verb: str
    href: str


_WORDS: Mapping[Step, _Words] = {
    Step.CONNECT: _Words(
        "Connect a provider",
        "An admin key reports what is spent. It is tested, sealed, and never shown again.",
        "A provider is connected.",
        "Connect",
        "/keys",
    ),
    Step.SPEND: _Words(
        "See spend",
        "The last 90 days are pulled as soon as a key is there. Single calls come through the gateway.",
        "Spend is here, and moves by itself.",
        "Look",
        "/keys",
    ),
    Step.BUDGET: _Words(
        "Set a budget",
        "A limit for everything, a team, a model or a key: it warns, or it stops calls.",
        "A budget watches what is spent.",
        "Set a budget",
        "/budgets",
    ),
    Step.INVITE: _Words(
        "Invite the team",
        "Everybody sees what they cause; roles say who may change what.",
        "You are not alone here.",
        "Invite",
        "/team",
    ),
}
_SAID = {"done": "Done", "skipped": "Skipped", "next": "Next", "later": "Later"}


def setup_steps(found: OnboardingView) -> list[SetupStep]:
    """The steps with their words, in their order."""
    return [_step(step, found.next, number) for number, step in enumerate(found.steps, 1)]


def progress(found: OnboardingView) -> str:
    """How far it is, in words."""
    done = sum(step.done for step in found.steps)
    return f"{done} of {len(found.steps)} steps done"


def _step(step: StepView, following: Step | None, number: int) -> SetupStep:
    words = _WORDS[step.name]
    state = "done" if step.done else "skipped" if step.skipped else "next" if step.name is following else "later"
    return SetupStep(
        name=step.name.value,
        number=str(number),
        title=words.title,
        text=words.done if step.done else words.text,
        state=state,
        said=_SAID[state],
        verb=words.verb,
        href=words.href,
    )
