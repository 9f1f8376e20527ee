"""The test of a Gemini key: proven by use, whatever the list of models looks like; and requests that cannot be sent."""

from typing import Any

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.fakes.google_api import AUTH_KEY, GEMINI_KEY
from tests.fakes.google_keys import key_file
from tests.fakes.provider_server import FakeProvider


def test_keys_of_the_new_kind_work(google: BaseProvider) -> None:
    assert google.test_connection(AUTH_KEY).success


def test_a_key_that_may_only_list_is_not_good(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.state.blocked[GEMINI_KEY] = "SERVICE_DISABLED"
    tested = google.test_connection(GEMINI_KEY)
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_FORBIDDEN")
    assert "switched off" in tested.message
    assert [r.status for r in fake.log] == [200, 403]


@pytest.mark.parametrize(
    ("models", "asked"),
    [
        ([{"name": "models/a", "supportedGenerationMethods": ["embedContent"]}, {"name": "models/b"}], "a"),
        ([{"name": "models/a"}, {"name": "models/b", "supportedGenerationMethods": ["countTokens"]}], "b"),
        ([{"name": "models/a", "supportedGenerationMethods": 7}], "a"),
        ([{"name": "models/a b?c"}], "a b?c"),
    ],
)
def test_a_model_that_counts_tokens_is_asked(
    fake: FakeProvider, google: BaseProvider, models: list[dict[str, Any]], asked: str
) -> None:
    fake.google.models = {"models": models}
    assert google.test_connection(GEMINI_KEY).success
    assert fake.log[-1].path.replace("%20", " ").replace("%3F", "?") == f"/v1beta/models/{asked}:countTokens"
    assert fake.log[-1].query == []


@pytest.mark.parametrize("body", [{}, {"models": []}])
def test_a_key_without_a_model_is_of_no_use(fake: FakeProvider, google: BaseProvider, body: dict[str, Any]) -> None:
    fake.google.models = body
    tested = google.test_connection(GEMINI_KEY)
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_FORBIDDEN")
    assert "may use no model" in tested.message


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"contents": []}, "Name the model"),
        ({"model": "models/", "contents": []}, "Name the model"),
        ({"model": "gemini-3.8-flash", "endpoint": "streamGenerateContent"}, "for others use the gateway"),
        ({"model": "gemini-3.8-flash", "endpoint": "predict"}, "for others use the gateway"),
    ],
)
def test_requests_that_cannot_be_sent(
    fake: FakeProvider, google: BaseProvider, payload: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.ValidationError, match=words):
        google.make_request(GEMINI_KEY, "user-1", payload)
    assert fake.log == []


def test_a_service_account_is_not_for_inference(fake: FakeProvider, google: BaseProvider) -> None:
    with pytest.raises(errors.ProviderWrongKeyKind, match="Use a Gemini API key"):
        google.make_request(key_file(), "user-1", {"model": "gemini-3.8-flash", "contents": []})
    assert fake.log == []


def test_a_model_s_name_stays_one_part_of_the_path(fake: FakeProvider, google: BaseProvider) -> None:
    fake.fail("*", status=404)
    with pytest.raises(errors.ProviderRequestRejected):
        google.make_request(GEMINI_KEY, "user-1", {"model": "../../v1/x?key=1", "contents": []})
    assert fake.log[0].query == []
    assert fake.log[0].path == "/v1beta/models/..%2F..%2Fv1%2Fx%3Fkey%3D1:generateContent"
