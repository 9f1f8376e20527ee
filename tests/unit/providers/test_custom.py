"""CUSTOM's own ways: its settings checked, what is sealed and what is readable, what goes out, what proves a key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian import errors
from guardian.config import Settings
from guardian.models.enums import Provider
from guardian.providers.base import BaseProvider
from guardian.providers.custom import CustomProvider
from guardian.providers.custom.settings import Secret, read_settings
from guardian.providers.registry import describe, provider_for
from guardian.providers.tracking import TrackedUsage
from tests.fakes.compatible_api import KEY
from tests.fakes.fixtures import MakeAdapter, half_dollar
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import example

URL = "https://llm.example.com/v1"


def adapter(fake: FakeProvider, make_adapter: MakeAdapter, **metadata: Any) -> BaseProvider:
    return make_adapter(Provider.CUSTOM, metadata={"baseUrl": fake.url("plain"), **metadata})


# Settings


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://llm.example.com", "https://llm.example.com/v1"),
        ("https://llm.example.com/", "https://llm.example.com/v1"),
        ("https://llm.example.com/v1", "https://llm.example.com/v1"),
        ("https://llm.example.com/v1/", "https://llm.example.com/v1"),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000/v1"),
        ("https://res.openai.azure.com/openai/deployments/d1", "https://res.openai.azure.com/openai/deployments/d1"),
        (" http://[::1]:11434 ", "http://[::1]:11434/v1"),
    ],
)
def test_a_base_url_with_or_without_its_version(given_url: str, kept: str) -> None:
    assert read_settings({"baseUrl": given_url}).base_url == kept
    assert read_settings({"baseUrl": kept}).base_url == kept


@pytest.mark.parametrize(
    ("metadata", "field", "words"),
    [
        ({}, "baseUrl", "Give the base URL"),
        ({"baseUrl": "llm.example.com"}, "baseUrl", "looks like https"),
        ({"baseUrl": "ftp://llm.example.com"}, "baseUrl", "looks like https"),
        ({"baseUrl": "https://"}, "baseUrl", "looks like https"),
        ({"baseUrl": "https://host:port/v1"}, "baseUrl", "looks like https"),
        ({"baseUrl": "https://ho st/v1"}, "baseUrl", "looks like https"),
        ({"baseUrl": "https://me:secret@llm.example.com"}, "baseUrl", "can be read by everybody"),
        ({"baseUrl": "https://llm.example.com/v1?api-version=1"}, "baseUrl", "query parameters"),
        ({"baseUrl": URL, "authScheme": "basic"}, "authScheme", "bearer, header, none"),
        ({"baseUrl": URL, "authHeader": "api key"}, "authHeader", "no name of a header"),
        ({"baseUrl": URL, "authHeader": "Host"}, "authHeader", "no name of a header"),
        ({"baseUrl": URL, "headers": "no colon"}, "headers", "one header a line"),
        ({"baseUrl": URL, "headers": "X-Api-Key: abc"}, "headers", "make it a secret header"),
        ({"baseUrl": URL, "headers": {"Authorization": "Bearer abc"}}, "headers", "make it a secret header"),
        ({"baseUrl": URL, "headers": "Content-Length: 4"}, "headers", "no name of a header"),
        ({"baseUrl": URL, "headers": {"X-A": "line\nbreak"}}, "headers", "a text of ASCII"),
        ({"baseUrl": URL, "headers": "\n".join(f"X-{n}: 1" for n in range(21))}, "headers", "at most 20"),
        ({"baseUrl": URL, "secretHeaders": "nothing"}, "secretHeaders", "one header a line"),
        ({"baseUrl": URL, "modelsPath": "models"}, "modelsPath", "begins with a slash"),
        ({"baseUrl": URL, "modelsPath": "//evil.example.com/models"}, "modelsPath", "begins with a slash"),
        ({"baseUrl": URL, "usage.cost": "usage[0]"}, "usage.cost", "dots between"),
        ({"baseUrl": URL, "usage": {"costUnit": "euros"}}, "usage.costUnit", "usd, cents, ticks"),
        ({"baseUrl": URL, "timeout": "0"}, "timeout", "from 1 to 600"),
        ({"baseUrl": URL, "timeout": "²"}, "timeout", "from 1 to 600"),
        ({"baseUrl": URL, "query": "api-version=1&api_key=abc"}, "query", "api_key looks like a secret"),
        ({"baseUrl": URL, "timeout": "601"}, "timeout", "from 1 to 600"),
        ({"baseUrl": URL, "timeout": "soon"}, "timeout", "from 1 to 600"),
        ({"baseUrl": URL, "strict": "maybe"}, "strict", "no, yes"),
        ({"baseUrl": URL, "preset": "azure"}, "preset", "plain, openrouter, deepseek"),
        ({"baseUrl": URL, "colour": "red"}, "colour", "no setting of a custom provider"),
        ({"baseUrl": URL, "kind": "admin"}, "kind", "no setting of a custom provider"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused_by_their_name(metadata: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(errors.ValidationError, match=words) as caught:
        CustomProvider.prepare(KEY, metadata)
    assert caught.value.details == [{"field": f"metadata.{field}", "message": caught.value.details[0]["message"]}]
    assert "secret@" not in caught.value.message


def test_the_settings_of_a_form_and_those_that_are_kept_mean_the_same() -> None:
    form = {
        "baseUrl": "https://llm.example.com",
        "authScheme": "header",
        "authHeader": "api-key",
        "headers": "X-Team: search\nX-Region: eu",
        "secretHeaders": "X-Gateway-Token: s3cret-token",
        "query": "api-version=2024-10-21&deployment=d1",
        "modelsPath": "",
        "usage.cost": "usage.cost",
        "usage.costUnit": "cents",
        "usage.reasoning": "",
        "tlsVerify": "no",
        "timeout": "45",
    }
    sealed, kept = CustomProvider.prepare(f" {KEY}\n", form)
    assert kept == {
        "preset": "plain",
        "baseUrl": URL,
        "authScheme": "header",
        "authHeader": "api-key",
        "headers": {"X-Team": "search", "X-Region": "eu"},
        "secretHeaders": ["X-Gateway-Token"],
        "query": "api-version=2024-10-21&deployment=d1",
        "usage": {"cost": "usage.cost", "costUnit": "cents"},
        "tlsVerify": "no",
        "timeout": "45",
    }
    assert "s3cret" not in json.dumps(kept)
    assert read_settings(kept) == read_settings(form)
    assert Secret.of(sealed) == Secret(KEY, {"X-Gateway-Token": "s3cret-token"}, URL)
    assert CustomProvider.key_hint(sealed) == KEY
    assert "s3cret" not in repr(Secret.of(sealed))
    assert KEY not in repr(Secret.of(sealed))
    # Another key in its place, everything else as it was.
    again, kept_again = CustomProvider.prepare(
        "sk-new-0123456789", CustomProvider.given_again(sealed, kept | {"kind": "x"})
    )
    assert kept_again == kept
    assert Secret.of(again) == Secret("sk-new-0123456789", {"X-Gateway-Token": "s3cret-token"}, URL)


def test_presets_know_their_addresses() -> None:
    assert read_settings({"preset": "openrouter"}).base_url == "https://openrouter.ai/api/v1"
    assert read_settings({"preset": "deepseek"}).base_url == "https://api.deepseek.com/v1"
    assert read_settings({"preset": "deepseek", "baseUrl": URL}).base_url == URL


def test_when_a_stream_is_asked_for_its_usage() -> None:
    assert read_settings({"baseUrl": URL}).asks_for_usage
    for told in ({"includeUsage": "no"}, {"includeUsage": "always"}, {"strict": "yes"}):
        assert not read_settings({"baseUrl": URL, **told}).asks_for_usage


@given(st.text(max_size=50))
def test_whatever_is_sealed_is_opened_as_it_was(text: str) -> None:
    secret = Secret("key-1", {"X-A": text}, URL)
    assert Secret.of(secret.sealed()) == secret


def test_a_server_without_keys_needs_none() -> None:
    sealed, kept = CustomProvider.prepare("", {"baseUrl": URL, "authScheme": "none"})
    assert (Secret.of(sealed).key, kept["authScheme"]) == ("", "none")
    with pytest.raises(errors.ValidationError, match="or choose that it needs none"):
        CustomProvider.prepare(" ", {"baseUrl": URL})
    with pytest.raises(errors.ProviderKeyRejected, match="not a key"):
        CustomProvider.prepare("two words", {"baseUrl": URL})


# What goes out


def test_headers_query_and_key_go_out_as_they_were_given(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    fake.plain.needs = {"api-key": KEY, "x-gateway-token": "s3cret-token"}
    made = adapter(
        fake,
        make_adapter,
        authScheme="header",
        headers={"X-Team": "search"},
        secretHeaders=["X-Gateway-Token"],
        query="api-version=2024-10-21",
    )
    sealed = Secret(KEY, {"X-Gateway-Token": "s3cret-token"}, fake.url("plain")).sealed()
    assert made.test_connection(sealed).success
    made.make_request(sealed, "user_1", {"model": "m", "messages": []})
    for request in (fake.log[0], fake.log[-1]):
        assert request.query == [("api-version", "2024-10-21")]
        assert request.headers["x-team"] == "search"
        assert request.headers["api-key"] == KEY
        assert "authorization" not in request.headers
    # The question whether a key is needed at all goes out without it.
    assert "api-key" not in fake.log[1].headers
    fake.fail("*", status=422, body={"error": f"what is {KEY} and s3cret-token?"})
    tested = made.test_connection(sealed)
    assert "what is (key) and (key)?" in tested.message


def test_a_key_goes_to_no_other_address(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    made = adapter(fake, make_adapter)
    tested = made.test_connection(Secret(KEY, {}, "https://another.example.com/v1").sealed())
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")
    assert "stored for another address" in tested.message
    assert fake.log == []


def test_without_authentication_nothing_is_sent(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    fake.plain.needs = {}
    made = adapter(fake, make_adapter, authScheme="none")
    tested = made.test_connection(Secret("", {}, fake.url("plain")).sealed())
    assert (tested.success, tested.kind) == (True, "inference")
    assert tested.message.startswith("This server answers.")
    assert "authorization" not in fake.log[0].headers


def test_private_addresses_need_the_operators_word(fake: FakeProvider) -> None:
    port = fake.url("plain").split(":")[2].split("/")[0]
    for allowed, code in (((), "PROVIDER_ADDRESS_REFUSED"), ((f"127.0.0.1:{port}",), None)):
        made = provider_for(
            Provider.CUSTOM,
            pricer=half_dollar,
            metadata={"baseUrl": fake.url("plain")},
            settings=Settings(outbound_allowlist=allowed),
        )
        tested = made.test_connection(KEY)
        made.close()
        assert (tested.success, tested.metadata.get("code")) == (code is None, code)
        assert ("OUTBOUND_ALLOWLIST" in tested.message) == (code is not None)


def test_redirects_are_not_followed(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    fake.redirect("/models", "http://169.254.169.254/latest/meta-data")
    tested = adapter(fake, make_adapter).test_connection(KEY)
    assert tested.metadata["code"] == "PROVIDER_UNAVAILABLE"
    assert "redirect" in tested.message
    assert len(fake.log) == 1


# What proves a key


def test_a_key_is_proven_where_the_models_are_refused_without_one(
    fake: FakeProvider, make_adapter: MakeAdapter
) -> None:
    made = adapter(fake, make_adapter)
    good, bad = made.test_connection(KEY), made.test_connection("sk-unknown0123456789")
    assert (good.success, good.kind) == (True, "inference")
    assert good.message.startswith("This server answers and takes the key.")
    assert "through the gateway" in CustomProvider.why_no_reports("inference", {"baseUrl": URL})
    server = fake.url("plain").removeprefix("http://").removesuffix("/v1")
    assert (good.account_id, good.account_name) == (server, "127.0.0.1")
    assert (bad.success, bad.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")


def test_a_server_that_lists_its_models_to_anybody_proves_nothing(
    fake: FakeProvider, make_adapter: MakeAdapter
) -> None:
    fake.plain.open_models = True
    tested = adapter(fake, make_adapter).test_connection("sk-unknown0123456789")
    assert (tested.success, "only a paid test could prove the key" in tested.message) == (True, True)
    paid = adapter(fake, make_adapter, paidTest="yes", testModel="llama-3")
    assert paid.test_connection("sk-unknown0123456789").metadata["code"] == "PROVIDER_KEY_REJECTED"
    assert paid.test_connection(KEY).message.startswith("This server answers and takes the key.")
    *_, asked = fake.requests("/chat/completions")
    assert (asked.body or {})["max_tokens"] == 1


def test_a_wrong_address_is_no_outage(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    """Web servers say with a page that there is nothing; one that shows a page for everything may be an outage."""
    fake.html("/models", status=404, times=1)
    missing = adapter(fake, make_adapter).test_connection(KEY)
    assert missing.metadata["code"] == "PROVIDER_REQUEST_REJECTED"
    assert "has no list of models at /models (HTTP 404). Check the base URL" in missing.message
    fake.html("/models", times=1)
    shown = adapter(fake, make_adapter).test_connection(KEY)
    assert shown.metadata["code"] == "PROVIDER_UNAVAILABLE"
    assert "or the wrong base URL" in shown.message


def test_a_server_without_a_list_of_models_needs_the_paid_test(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    fake.plain.models = None
    refused = adapter(fake, make_adapter).test_connection(KEY)
    assert refused.metadata["code"] == "PROVIDER_REQUEST_REJECTED"
    assert "has no list of models at /models (HTTP 404)" in refused.message
    assert fake.requests("/chat/completions") == []
    nameless = adapter(fake, make_adapter, paidTest="yes").test_connection(KEY)
    assert "needs the name of a model" in nameless.message
    assert adapter(fake, make_adapter, paidTest="yes", testModel="llama-3").test_connection(KEY).success


def test_another_path_of_the_models(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    fake.serve("/list/of/models", {"data": []})
    assert adapter(fake, make_adapter, modelsPath="/list/of/models").test_connection(KEY).success


def test_an_account_of_a_name(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    tested = adapter(fake, make_adapter, account="research").test_connection(KEY)
    server = fake.url("plain").removeprefix("http://").removesuffix("/v1")
    assert (tested.account_id, tested.account_name) == (f"{server}#research", "research")


# Answers


def test_the_settings_say_how_an_answer_is_read(
    fake: FakeProvider, make_adapter: MakeAdapter, tracked: list[TrackedUsage]
) -> None:
    body = example("openai_compatible/mistral_chat")
    body["usage"] |= {"price": 250, "hits": 6}
    fake.plain.replies["/chat/completions"] = body
    made = adapter(fake, make_adapter, usage={"cost": "usage.price", "costUnit": "cents", "cached": "usage.hits"})
    made.make_request(KEY, "user_1", {"model": "m", "messages": []})
    (one,) = tracked
    assert (str(one.usage.provider_cost), one.usage.counts.cache_read_tokens) == ("2.50", 6)


@pytest.mark.parametrize(
    ("payload", "operation"),
    [
        ({"messages": []}, "completion"),
        ({"input": "hi"}, "completion"),
        ({"endpoint": "/messages", "messages": []}, "message"),
        ({"endpoint": "/embeddings", "input": "hi"}, "embedding"),
    ],
    ids=str,
)
def test_every_endpoint(
    fake: FakeProvider,
    make_adapter: MakeAdapter,
    tracked: list[TrackedUsage],
    payload: dict[str, Any],
    operation: str,
) -> None:
    adapter(fake, make_adapter).make_request(KEY, "user_1", {"model": "m", **payload})
    assert [one.usage.operation for one in tracked] == [operation]
    assert tracked[0].usage.counts.input_tokens > 0


def test_nothing_is_reported_by_a_plain_server(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    made = adapter(fake, make_adapter)
    start = end = None
    assert (made.reports_of_key(), made.get_balance(KEY), list(made.get_resources(KEY))) == ((), None, [])
    for call in (lambda: made.get_usage(KEY, start, end, "activity"), lambda: made.get_costs(KEY, start, end)):
        with pytest.raises(errors.ValidationError, match="Servers of this kind report no usage"):
            call()


def test_what_custom_is_said_to_offer() -> None:
    told = describe(Provider.CUSTOM)
    assert {field.name for field in told.fields if field.secret} == {"secretHeaders"}
    assert "OpenRouter reports it" in told.no_reporting
    assert told.reporting
