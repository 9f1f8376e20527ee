"""CUSTOM three times, as the shared adapter suite needs to know it: a plain server, OpenRouter and DeepSeek.

OpenRouter's activity is in completed days and not in hours: test_compatible_examples.py is about it.
"""

from guardian.models.enums import Provider
from guardian.records import UsageCounts
from tests.contracts.vendors.shape import Call, State, Vendor
from tests.fakes import compatible_api as fakes
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example

_MISTRAL = example("openai_compatible/mistral_chat")
_DEEPSEEK = example("openai_compatible/deepseek_chat")


def _refused(fake: FakeProvider) -> str:
    fake.plain.needs = {"authorization": "Bearer another"}
    return fakes.KEY


def _router_revoked(fake: FakeProvider) -> str:
    fake.openrouter.keys[fakes.ROUTER_ADMIN_KEY].revoked = True
    return fakes.ROUTER_ADMIN_KEY


def _deepseek_revoked(fake: FakeProvider) -> str:
    fake.deepseek.keys[fakes.DEEPSEEK_KEY].revoked = True
    return fakes.DEEPSEEK_KEY


def _deepseek_empty(fake: FakeProvider) -> str:
    fake.deepseek.balance["is_available"] = False
    return fakes.DEEPSEEK_KEY


def _chat(key: str, path: str, body: dict[str, str], counts: UsageCounts) -> Call:
    return Call(
        key=key,
        payload={"model": body["model"], "messages": []},
        path=path,
        model=body["model"],
        counts=counts,
        response_id=body["id"],
    )


PLAIN = Vendor(
    provider=Provider.CUSTOM,
    name="127.0.0.1",
    metadata=lambda fake: {"baseUrl": fake.url("plain")},
    states={
        "good": State(lambda _: fakes.KEY, kind="inference", words="takes the key"),
        "bad": State(_refused, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
    },
    call=_chat(fakes.KEY, "/chat/completions", _MISTRAL, UsageCounts(input_tokens=16, output_tokens=34)),
)

OPENROUTER = Vendor(
    provider=Provider.CUSTOM,
    name="OpenRouter",
    metadata=lambda fake: {"preset": "openrouter", "baseUrl": fake.url("openrouter")},
    states={
        "good": State(lambda _: fakes.ROUTER_ADMIN_KEY, kind="admin", words="credit"),
        "bad": State(_router_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
        "wrong kind": State(lambda _: fakes.ROUTER_KEY, kind="inference", words="needs an admin key"),
    },
    call=_chat(fakes.ROUTER_KEY, "/chat/completions", _MISTRAL, UsageCounts(input_tokens=16, output_tokens=34)),
)

DEEPSEEK = Vendor(
    provider=Provider.CUSTOM,
    name="DeepSeek",
    metadata=lambda fake: {"preset": "deepseek", "baseUrl": f"{fake.url('deepseek')}/v1"},
    states={
        "good": State(lambda _: fakes.DEEPSEEK_KEY, kind="inference", words="tells the balance"),
        "bad": State(_deepseek_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
        "blocked": State(_deepseek_empty, code="PROVIDER_QUOTA_EXHAUSTED", words="balance is too low"),
    },
    call=_chat(
        fakes.DEEPSEEK_KEY,
        "/v1/chat/completions",
        _DEEPSEEK,
        UsageCounts(input_tokens=1100, output_tokens=20, cache_read_tokens=1024),
    ),
)
