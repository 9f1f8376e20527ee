"""Perplexity, as the shared adapter suite needs to know it: calls, and no report of any kind."""

from decimal import Decimal

from guardian.models.enums import Provider
from guardian.records import UsageCounts
from tests.contracts.vendors.shape import Call, State, Vendor
from tests.fakes.perplexity_api import KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example

_ANSWER = example("perplexity/agent_response")


def _revoked(fake: FakeProvider) -> str:
    fake.perplexity.keys[KEY].revoked = True
    return KEY


PERPLEXITY = Vendor(
    provider=Provider.PERPLEXITY,
    name="Perplexity",
    states={
        "good": State(lambda _: KEY, kind="inference", words="works for inference"),
        "bad": State(_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
    },
    call=Call(
        key=KEY,
        payload={"model": "perplexity/sonar", "input": "hi"},
        path="/v1/responses",
        model="perplexity/sonar",
        counts=UsageCounts(input_tokens=1523, output_tokens=210, units={"web_search_requests": Decimal(2)}),
        response_id=_ANSWER["id"],
    ),
)
