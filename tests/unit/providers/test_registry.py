"""The registry, and what BaseProvider gives to every adapter."""

import pytest

from guardian.config import Settings
from guardian.crypto import EncryptionService
from guardian.errors import DecryptionError, ValidationError
from guardian.models.enums import Provider
from guardian.providers.registry import describe, provider_for, supported
from tests.fakes.fixtures import half_dollar
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider


def test_supported_vendors_are_the_ones_with_an_adapter() -> None:
    assert {Provider.OPENAI, Provider.ANTHROPIC} <= set(supported())
    for provider in (Provider.OPENAI, Provider.ANTHROPIC):
        adapter = provider_for(provider, pricer=half_dollar, settings=Settings())
        assert adapter.provider is provider
        assert adapter.reports
        adapter.close()


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


@pytest.mark.parametrize("provider", [p for p in Provider if p not in supported()])
def test_other_vendors_are_refused_in_words(provider: Provider) -> None:
    for asked in (lambda: provider_for(provider, pricer=half_dollar, settings=Settings()), lambda: describe(provider)):
        with pytest.raises(ValidationError, match=f"not available for {provider.title()} yet"):
            asked()


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
