"""The registry, and what BaseProvider gives to every adapter."""

import pytest

from guardian.config import Settings
from guardian.crypto import EncryptionService
from guardian.errors import ConfigurationError, DecryptionError
from guardian.models.enums import Provider
from guardian.providers.google import GoogleProvider
from guardian.providers.registry import describe, provider_for, supported
from tests.fakes.fixtures import half_dollar
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider


def test_every_vendor_has_an_adapter() -> None:
    assert supported() == tuple(Provider)
    for provider in supported():
        metadata = {"baseUrl": "https://llm.example.com/v1"} if provider is Provider.CUSTOM else None
        adapter = provider_for(provider, pricer=half_dollar, settings=Settings(), metadata=metadata)
        assert adapter.provider is provider
        assert len(adapter.further) == max(0, len(adapter.base_urls) - 1)
        adapter.close()


def test_a_wrong_address_is_named_by_its_setting() -> None:
    for setting in GoogleProvider.base_urls:
        with pytest.raises(ConfigurationError, match=rf"Check {setting.upper()}\."):
            provider_for(Provider.GOOGLE, pricer=half_dollar, settings=Settings(**{setting: "nowhere"}))


@pytest.mark.parametrize("provider", supported())
def test_every_vendor_says_what_people_must_know_before_they_give_a_key(provider: Provider) -> None:
    said = describe(provider)
    assert said.provider is provider
    assert said.name
    assert said.key_kinds
    assert {kind.kind for kind in said.key_kinds} <= {"admin", "inference"}
    assert ("admin" in {kind.kind for kind in said.key_kinds}) == said.reporting
    assert all(kind.name and kind.hint.endswith(".") for kind in said.key_kinds)
    assert all(bool(kind.href) == bool(kind.place) for kind in said.key_kinds)
    assert all(f.name and f.label and f.kind in {None, "admin", "inference"} for f in said.fields)
    if not said.reporting:
        assert "gateway" in said.no_reporting
        assert said.no_reporting.endswith(".")


def test_the_settings_say_where_and_how_patiently(fake: FakeProvider) -> None:
    settings = Settings(openai_base_url=fake.openai_url, provider_timeout_seconds=7, provider_attempts=2)
    adapter = provider_for(Provider.OPENAI, pricer=half_dollar, settings=settings, metadata={"a": 1})
    assert (adapter.http.timeout, adapter.http.attempts, adapter.http.base_url) == (7, 2, fake.openai_url)
    assert adapter.metadata == {"a": 1}
    assert adapter.test_connection(ADMIN_KEY).success
    adapter.close()


def test_a_sealed_key_is_opened_and_tested(fake: FakeProvider) -> None:
    encryption = EncryptionService("11" * 32)
    adapter = provider_for(Provider.OPENAI, pricer=half_dollar, settings=Settings(openai_base_url=fake.openai_url))
    assert adapter.validate_api_key(encryption.encrypt_api_key(ADMIN_KEY), encryption) is True
    assert adapter.validate_api_key(encryption.encrypt_api_key("sk-admin-other"), encryption) is False
    with pytest.raises(DecryptionError):
        adapter.validate_api_key(encryption.encrypt_api_key(ADMIN_KEY), EncryptionService("22" * 32))
    adapter.close()
