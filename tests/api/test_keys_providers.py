"""keys of all six providers: what each asks for, what it reports, what is sealed, and where it may lead."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian.models import ApiKey, SyncRun
from guardian.providers.custom.settings import Secret
from guardian.services.people.provider_keys import open_secret
from tests.api.conftest import Client
from tests.fakes import compatible_api, google_api, openai_api, perplexity_api, xai_api
from tests.fakes.provider_server import FakeProvider

Add = Callable[..., Any]


@pytest.fixture
def add(alice: Client) -> Add:
    def make(provider: str, key: str, status: int = 201, **body: Any) -> Any:
        wanted = {"provider": provider, "key": key, **body}
        if status >= 400:
            return alice.failure("POST", "/keys", status, json=wanted)
        return alice.data("POST", "/keys", status, json=wanted)

    return make


def test_what_each_provider_asks_for_and_reports(alice: Client) -> None:
    told = {each["provider"]: each for each in alice.data("GET", "/keys/providers")}
    assert list(told) == ["OPENAI", "ANTHROPIC", "GOOGLE", "XAI", "PERPLEXITY", "CUSTOM"]
    assert [name for name, each in told.items() if not each["reporting"]] == ["PERPLEXITY"]
    assert "gateway" in told["PERPLEXITY"]["noReporting"]
    assert told["OPENAI"]["noReporting"] == ""
    fields = {each["name"]: each for each in told["CUSTOM"]["fields"]}
    assert fields["secretHeaders"]["secret"]
    assert fields["authScheme"]["choices"][0] == ["bearer", "Authorization: Bearer"]
    assert {kind["kind"] for kind in told["XAI"]["keyKinds"]} == {"admin", "inference"}


def test_an_xai_management_key_is_pulled_and_shows_its_balance(add: Add, session: Session, fake: FakeProvider) -> None:
    made = add("XAI", xai_api.MANAGEMENT_KEY)
    assert (made["metadata"]["kind"], made["accountId"]) == ("admin", xai_api.TEAM)
    assert (made["balance"], made["balanceCurrency"]) == ("25", "USD")
    assert made["balanceAt"]
    assert made["noReporting"].startswith("xAI reports what was billed")
    assert session.exec(select(SyncRun)).one().id == made["jobId"]


@pytest.mark.parametrize(
    ("provider", "key", "metadata", "words"),
    [
        ("OPENAI", openai_api.PROJECT_KEY, {}, "a key of the kind “Admin key”"),
        ("GOOGLE", google_api.GEMINI_KEY, {}, "a key of the kind “Service account key”"),
        ("XAI", xai_api.INFERENCE_KEY, {}, "a key of the kind “Management key”"),
        ("PERPLEXITY", perplexity_api.KEY, {}, "to nobody but its own console"),
        ("CUSTOM", compatible_api.KEY, {"baseUrl": "plain"}, "Servers of this kind report no usage"),
        ("CUSTOM", compatible_api.DEEPSEEK_KEY, {"preset": "deepseek", "baseUrl": "deepseek"}, "DeepSeek tells the"),
        ("CUSTOM", compatible_api.ROUTER_KEY, {"preset": "openrouter", "baseUrl": "openrouter"}, "“Management key"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_keys_that_report_nothing_say_so_and_are_not_pulled(
    add: Add,
    alice: Client,
    session: Session,
    fake: FakeProvider,
    provider: str,
    key: str,
    metadata: dict[str, str],
    words: str,
) -> None:
    if "baseUrl" in metadata:
        metadata = metadata | {"baseUrl": fake.url(metadata["baseUrl"])}
    made = add(provider, key, metadata=metadata)
    assert (made["metadata"]["kind"], made["jobId"]) == ("inference", None)
    assert words in made["noReporting"]
    assert "gateway" in made["noReporting"]
    assert words in alice.failure("POST", f"/keys/{made['id']}/sync", 400)["error"]
    assert session.exec(select(SyncRun)).all() == []


def test_deepseeks_balance_follows_a_test(add: Add, alice: Client, fake: FakeProvider) -> None:
    metadata = {"preset": "deepseek", "baseUrl": fake.url("deepseek")}
    made = add("CUSTOM", compatible_api.DEEPSEEK_KEY, metadata=metadata)
    assert (made["balance"], made["accountName"]) == ("110", "DeepSeek")
    fake.deepseek.balance["balance_infos"][0]["total_balance"] = "3.21"
    tested = alice.data("POST", f"/keys/{made['id']}/test")
    assert (tested["success"], tested["key"]["balance"]) == (True, "3.21")


def test_a_custom_key_keeps_its_settings_and_shows_no_secret(
    add: Add, alice: Client, session: Session, fake: FakeProvider
) -> None:
    fake.plain.needs = {"api-key": compatible_api.KEY, "x-gateway-token": "s3cret-token"}
    made = add(
        "CUSTOM",
        compatible_api.KEY,
        label="own",
        metadata={
            "baseUrl": fake.url("plain").removesuffix("/v1") + "/v1/",
            "authScheme": "header",
            "headers": {"X-Team": "search"},
            "secretHeaders": "X-Gateway-Token: s3cret-token",
            "usage": {"cost": "usage.cost"},
            "timeout": "20",
        },
    )
    assert made["hint"] == compatible_api.KEY[-4:]
    assert made["metadata"] == {
        "kind": "inference",
        "preset": "plain",
        "baseUrl": fake.url("plain"),
        "authScheme": "header",
        "headers": {"X-Team": "search"},
        "secretHeaders": ["X-Gateway-Token"],
        "usage": {"cost": "usage.cost"},
        "timeout": "20",
    }
    row = session.exec(select(ApiKey)).one()
    assert "s3cret" not in f"{row.meta}{row.encrypted_key}{row.hint}{row.status_message}"
    assert Secret.of(open_secret(session, row.id)).headers == {"X-Gateway-Token": "s3cret-token"}
    session.commit()
    # A stored key is tested with all of it; and a new key takes the place of the old one, the rest stays.
    assert alice.data("POST", f"/keys/{made['id']}/test")["success"]
    fake.plain.needs["api-key"] = "sk-new-0123456789abcd"
    changed = alice.data(
        "PATCH",
        f"/keys/{made['id']}",
        json={"key": "sk-new-0123456789abcd", "metadata": {"timeout": "", "usage.cost": "usage.price"}},
    )
    assert changed["hint"] == "abcd"
    assert "timeout" not in changed["metadata"]
    assert changed["metadata"]["usage"] == {"cost": "usage.price"}
    session.expire_all()
    opened = Secret.of(open_secret(session, row.id))
    assert (opened.key, opened.headers) == ("sk-new-0123456789abcd", {"X-Gateway-Token": "s3cret-token"})
    assert "s3cret" not in "".join(answer.text for answer in alice.answers)


def test_settings_do_not_change_without_the_key(add: Add, alice: Client, fake: FakeProvider) -> None:
    """Whoever may change a key could otherwise send it to an address of theirs."""
    made = add("CUSTOM", compatible_api.KEY, metadata={"baseUrl": fake.url("plain")})
    refused = alice.failure("PATCH", f"/keys/{made['id']}", 400, json={"metadata": {"baseUrl": "https://evil.test"}})
    assert refused["details"][0]["field"] == "key"
    assert alice.data("GET", f"/keys/{made['id']}")["metadata"]["baseUrl"] == fake.url("plain")


def test_servers_without_keys_are_told_apart_by_their_address(add: Add, fake: FakeProvider) -> None:
    fake.plain.needs = {}
    made = add("CUSTOM", "", label="a", metadata={"baseUrl": fake.url("plain"), "authScheme": "none"})
    assert (made["hint"], made["status"]) == ("", "active")
    again = {"baseUrl": fake.url("plain"), "authScheme": "none"}
    assert "in the vault already" in add("CUSTOM", "", 409, label="b", metadata=again)["error"]
    fake.serve("/list", {"data": []})
    other = {"baseUrl": fake.url("plain").removesuffix("/v1") + "/v1/other", "authScheme": "none"}
    fake.serve("/other/models", {"data": []})
    assert add("CUSTOM", "", label="b", metadata=other)["id"] != made["id"]


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({}, "metadata.baseUrl"),
        ({"baseUrl": "https://me:pw@llm.example.com"}, "metadata.baseUrl"),
        ({"baseUrl": "https://llm.example.com", "headers": {"X-Api-Key": "abc"}}, "metadata.headers"),
        ({"baseUrl": "https://llm.example.com", "kind": "admin"}, "metadata.kind"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused_by_their_name(
    add: Add, fake: FakeProvider, metadata: dict[str, Any], field: str
) -> None:
    assert add("CUSTOM", compatible_api.KEY, 400, metadata=metadata)["details"][0]["field"] == field
    assert fake.log == []


def test_private_addresses_are_refused_when_the_connection_is_made(add: Add, fake: FakeProvider) -> None:
    body = add("CUSTOM", compatible_api.KEY, 400, metadata={"baseUrl": "http://169.254.169.254/latest"})
    assert body["code"] == "PROVIDER_ADDRESS_REFUSED"
    assert "169.254.169.254:80 to OUTBOUND_ALLOWLIST" in body["error"]


def test_another_organizations_custom_key_is_not_found(add: Add, charlie: Client, fake: FakeProvider) -> None:
    made = add("CUSTOM", compatible_api.KEY, metadata={"baseUrl": fake.url("plain")})
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"key": compatible_api.KEY, "metadata": {"baseUrl": fake.url("plain")}}),
        ("POST", "/test", None),
        ("POST", "/sync", {}),
        ("DELETE", "", None),
    ):
        charlie.failure(method, f"/keys/{made['id']}{path}", 404, json=body)


_TEXTS = "has to be a text of at most 2,000 characters, a list of such texts, or an object with such texts."


@pytest.mark.parametrize(
    ("metadata", "details"),
    [
        ({"baseUrl": 5, "prices": None}, {"metadata.baseUrl": _TEXTS, "metadata.prices": _TEXTS}),
        ({"headers": {"X-Team": {"a": "b"}}}, {"metadata.headers": _TEXTS}),
        ({"models": ["a", 1]}, {"metadata.models": _TEXTS}),
        ({"baseUrl": "x" * 2_001}, {"metadata.baseUrl": _TEXTS}),
        ([], {"metadata": "metadata is an object of settings"}),
        ({"": "x"}, {"metadata": "The name of a setting in metadata has from 1 to 50 characters."}),
        ({f"s{n}": "x" for n in range(41)}, {"metadata": "metadata has 41 settings. A key has at most 40."}),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence_each(
    add: Add, metadata: Any, details: dict[str, str]
) -> None:
    body = add("CUSTOM", compatible_api.KEY, 400, metadata=metadata)
    assert [each["field"] for each in body["details"]] == list(details)
    assert all(words in each["message"] for each, words in zip(body["details"], details.values(), strict=True))
    assert body["error"] == body["details"][0]["message"]
