"""xAI, as the shared adapter suite needs to know it: what was billed, and no usage report."""

from typing import Any

from guardian.models.enums import Provider
from guardian.records import UsageCounts
from tests.contracts.vendors.shape import Body, Call, CostReport, Names, State, Vendor, set_field
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example
from tests.fakes.xai_api import INFERENCE_KEY, MANAGEMENT_KEY, TEAM

_NOT_MANAGEMENT = r"Create an admin key"
_ANSWER = example("xai/chat_completion")


def _revoke(fake: FakeProvider) -> None:
    fake.xai.keys[MANAGEMENT_KEY].revoked = True


def _revoked(fake: FakeProvider) -> str:
    _revoke(fake)
    return MANAGEMENT_KEY


def _blocked(fake: FakeProvider) -> str:
    fake.xai.own_facts["team_blocked"] = True
    return INFERENCE_KEY


def _change(body: Body, name: str, value: Any) -> None:
    """Dollars are the first of a point's values."""
    for series in body["timeSeries"]:
        for point in series["dataPoints"]:
            if name == "usd":
                point["values"][0] = value
            else:
                set_field(point, name, value)


XAI = Vendor(
    provider=Provider.XAI,
    name="xAI",
    states={
        "good": State(lambda _: MANAGEMENT_KEY, kind="admin", words="costs and balance"),
        "bad": State(_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
        "wrong kind": State(lambda _: INFERENCE_KEY, kind="inference", words="need an admin key"),
        "blocked": State(_blocked, code="PROVIDER_FORBIDDEN", words="has blocked the team"),
    },
    call=Call(
        key=INFERENCE_KEY,
        payload={"model": "grok-4.3", "messages": []},
        path="/chat/completions",
        model="grok-4.3",
        # Of chat completions, the 164 of reasoning are beside the 9 of the completion.
        counts=UsageCounts(input_tokens=199, output_tokens=173, cache_read_tokens=163, reasoning_tokens=164),
        response_id=_ANSWER["id"],
    ),
    costs=CostReport(
        key=MANAGEMENT_KEY,
        path=f"/v1/billing/teams/{TEAM}/usage",
        plant=lambda fake, at, dollars, line: fake.xai.plant_cost(at, dollars, line),
        change=_change,
        required=("timestamp",),
        wrong_key=INFERENCE_KEY,
        wrong_key_words=_NOT_MANAGEMENT,
        amount_field="usd",
        endless=False,
    ),
    names=Names(key=MANAGEMENT_KEY, path=f"/auth/teams/{TEAM}/api-keys", api="xai-management", revoke=_revoke),
)
