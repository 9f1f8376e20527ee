"""OpenAI's kinds of keys, missing scopes and exhausted quotas."""

from datetime import UTC, datetime, timedelta

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.fakes.openai_api import ADMIN_KEY, LEGACY_KEY, PROJECT_KEY
from tests.fakes.provider_server import FakeProvider

T0 = datetime(2026, 11, 1, tzinfo=UTC)
UNIX = int(T0.timestamp())
DAY = timedelta(days=1)


def test_a_legacy_key_is_found_to_be_for_inference(openai: BaseProvider) -> None:
    tested = openai.test_connection(LEGACY_KEY)
    assert (tested.success, tested.kind) == (True, "inference")


def test_a_restricted_inference_key_that_may_not_list_models_is_good(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.keys[PROJECT_KEY].missing_scope = "api.model.read"
    tested = openai.test_connection(PROJECT_KEY)
    assert (tested.success, tested.kind) == (True, "inference")


def test_a_refusal_that_is_not_about_scopes_is_no_good_key(fake: FakeProvider, openai: BaseProvider) -> None:
    body = {"error": {"message": "Country, region, or territory not supported", "code": "unsupported_country"}}
    fake.fail("*", status=403, body=body)
    tested = openai.test_connection(PROJECT_KEY)
    assert not tested.success
    assert "territory not supported" in tested.message


def test_an_admin_key_without_the_scope_is_told_which(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.keys[ADMIN_KEY].missing_scope = "api.usage.read"
    tested = openai.test_connection(ADMIN_KEY)
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_FORBIDDEN")
    assert "lacks the permission api.usage.read." in tested.message
    with pytest.raises(errors.ProviderForbidden, match=r"api\.usage\.read"):
        list(openai.get_usage(ADMIN_KEY, T0, T0 + DAY, "completions"))


@pytest.mark.parametrize(
    "message",
    ["Missing scopes: api.usage.read", "You have insufficient permissions for this operation."],
)
def test_a_wrong_kind_is_known_by_its_words_under_401_too(
    fake: FakeProvider, openai: BaseProvider, message: str
) -> None:
    fake.fail("*", status=401, body={"error": {"message": message}})
    with pytest.raises(errors.ProviderWrongKeyKind, match="admin-keys"):
        list(openai.get_usage(PROJECT_KEY, T0, T0 + DAY, "completions"))


def test_an_exhausted_quota_is_no_rate_limit(fake: FakeProvider, openai: BaseProvider, sleeps: list[float]) -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    fake.fail("*", status=429, body=body)
    assert "quota is used up" in openai.test_connection(PROJECT_KEY).message
    with pytest.raises(errors.ProviderQuotaExhausted):
        openai.make_request(PROJECT_KEY, "u", {"messages": []})
    assert sleeps == []
