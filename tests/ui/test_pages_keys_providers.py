"""The key manager for all six providers: the fields of each form, and what a card says of reports and credit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from guardian.config import settings
from guardian.models import ApiKey, SyncRun
from guardian.models.enums import KeyStatus, Provider
from guardian.providers.custom.settings import Secret
from guardian.providers.registry import describe, supported
from guardian.services.people.provider_keys import open_secret
from guardian.services.people.views import KeyView
from guardian.ui.pages.keys.dialogs import key_dialogs
from guardian.ui.pages.keys.fields import metadata_of, settings_of
from guardian.ui.pages.keys.page import KeysState
from guardian.ui.pages.keys.rows import key_row, provider_choices
from tests.conftest import Servers
from tests.fakes import compatible_api, perplexity_api, seed, xai_api
from tests.fakes.provider_server import FakeProvider
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def fake(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        for setting, url in running.urls.items():
            monkeypatch.setenv(setting.upper(), url)
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
        settings.cache_clear()
        yield running


@pytest.fixture
def page(page_of: StatePage, session: Session, fake: FakeProvider) -> KeysState:
    company = seed.company(session, "Acme")
    session.commit()
    state = page_of(KeysState, company.token, "/keys")
    work(state, "load")
    return state


def view(provider: Provider, kind: str | None, **values: object) -> KeyView:
    facts = {
        "id": "k1",
        "provider": provider,
        "label": None,
        "hint": "cdef",
        "is_active": True,
        "status": KeyStatus.ACTIVE,
        "status_message": "works",
        "kind": kind,
        "account_id": None,
        "account_name": None,
        "user_id": "u1",
        "owner": "Mia",
        "created_at": NOW,
        "last_used": None,
        "last_validated": NOW,
        "no_reporting": "",
        "balance": None,
        "balance_currency": None,
        "balance_at": None,
        "metadata": {},
    }
    return KeyView(**(facts | values))  # pyright: ignore[reportArgumentType]  # a table of defaults


def test_every_provider_can_be_chosen_and_each_has_its_fields(page: KeysState) -> None:
    choices = provider_choices([describe(each) for each in supported()])
    assert [each.name for each in choices] == ["OpenAI", "Anthropic", "Google", "xAI", "Perplexity", "Custom"]
    assert all(each.kinds for each in choices)
    markup = str(key_dialogs(KeysState, choices))
    for each in choices:
        assert f"provider-{each.value.lower()}" in markup
        for field in each.fields:
            assert f"{each.value}.{field.name}" in markup
    assert "Perplexity reports usage and costs to nobody" in markup


def test_a_form_speaks_of_the_chosen_provider_only() -> None:
    form = {
        "provider": "CUSTOM",
        "CUSTOM.baseUrl": " https://llm.example.com ",
        "CUSTOM.usage.cost": "usage.cost",
        "CUSTOM.timeout": "",
        "CUSTOM.secretHeaders": "",
        "GOOGLE.projectId": "left over",
        "label": "x",
    }
    said = {"baseUrl": "https://llm.example.com", "usage.cost": "usage.cost"}
    assert metadata_of(form, Provider.CUSTOM) == said
    assert settings_of(form, Provider.CUSTOM) == said | {"timeout": ""}
    assert metadata_of(form, Provider.GOOGLE) == {"projectId": "left over"}
    assert metadata_of(form, Provider.OPENAI) == {}


def test_a_custom_key_is_stored_with_its_settings_and_shown(
    page: KeysState, session: Session, fake: FakeProvider
) -> None:
    fake.plain.needs |= {"x-gateway-token": "s3cret-token"}
    work(page, "open_add")
    form = {
        "provider": "CUSTOM",
        "label": "Own",
        "secret": compatible_api.KEY,
        "CUSTOM.preset": "plain",
        "CUSTOM.baseUrl": fake.url("plain"),
        "CUSTOM.authScheme": "bearer",
        "CUSTOM.headers": "X-Team: search\nX-Region: eu",
        "CUSTOM.secretHeaders": "X-Gateway-Token: s3cret-token",
        "CUSTOM.usage.cost": "usage.cost",
        "GOOGLE.projectId": "",
    }
    said = work(page, "add", form)
    assert page.refusal == ""
    assert payload(said)["message"] == "Own works and is stored. This server answers and takes the key."
    (row,) = page.keys
    assert (row.kind, row.is_admin, row.hint, row.address) == ("Inference key", False, "••••cdef", fake.url("plain"))
    assert row.no_reporting.startswith("Servers of this kind report no usage")
    assert (row.settings["headers"], row.settings["usage.cost"]) == ("X-Team: search\nX-Region: eu", "usage.cost")
    assert row.settings["secretHeaders"] == ""
    assert "s3cret" not in repr(page.dict())
    assert session.exec(select(SyncRun)).all() == []
    key = session.exec(select(ApiKey)).one()
    assert Secret.of(open_secret(session, key.id)).headers == {"X-Gateway-Token": "s3cret-token"}


def test_replacing_a_custom_key_changes_its_settings_too(page: KeysState, session: Session, fake: FakeProvider) -> None:
    work(page, "add", {"provider": "CUSTOM", "secret": compatible_api.KEY, "CUSTOM.baseUrl": fake.url("plain")})
    work(page, "open_replace", page.keys[0].id)
    assert (page.key.provider_value, page.key.settings["baseUrl"]) == ("CUSTOM", fake.url("plain"))
    fake.plain.needs = {"api-key": "sk-new-0123456789abcd"}
    form = {
        "secret": "sk-new-0123456789abcd",
        "CUSTOM.baseUrl": fake.url("plain"),
        "CUSTOM.authScheme": "header",
        "CUSTOM.authHeader": "api-key",
        "CUSTOM.timeout": "",
    }
    work(page, "replace", form)
    assert page.refusal == ""
    (row,) = page.keys
    assert (row.hint, row.settings["authScheme"], row.settings["timeout"]) == ("••••abcd", "header", "")


def test_a_private_address_is_refused_in_the_dialog(page: KeysState, session: Session) -> None:
    work(page, "open_add")
    form = {"provider": "CUSTOM", "secret": compatible_api.KEY, "CUSTOM.baseUrl": "http://10.0.0.1"}
    assert work(page, "add", form) is None
    assert page.refusal.startswith("10.0.0.1 is not a public address.")
    assert (page.dialog, session.exec(select(ApiKey)).all()) == ("add", [])


def test_an_xai_team_shows_its_credit_and_what_is_missing(page: KeysState, session: Session) -> None:
    said = work(page, "add", {"provider": "XAI", "label": "Team", "secret": xai_api.MANAGEMENT_KEY})
    assert payload(said)["message"] == "Team works and is stored. What it can read is being pulled."
    (row,) = page.keys
    assert (row.kind, row.is_admin, row.pulling, row.balance) == ("Management key", True, True, "$25.00")
    assert row.no_reporting.startswith("xAI reports what was billed")


def test_a_perplexity_key_offers_no_pull(page: KeysState, session: Session) -> None:
    work(page, "add", {"provider": "PERPLEXITY", "secret": perplexity_api.KEY})
    (row,) = page.keys
    assert (row.name, row.is_admin, row.pulling, row.balance) == ("Perplexity key", False, False, "")
    assert "gateway" in row.no_reporting


@pytest.mark.parametrize(
    ("provider", "kind", "name"),
    [
        (Provider.OPENAI, "admin", "Admin key"),
        (Provider.GOOGLE, "admin", "Service account key"),
        (Provider.XAI, "admin", "Management key"),
        (Provider.CUSTOM, "admin", "Management key"),
        (Provider.CUSTOM, "inference", "Inference key"),
        (Provider.XAI, None, "Kind unknown"),
    ],
)
def test_what_people_call_a_kind_of_key(provider: Provider, kind: str | None, name: str) -> None:
    assert key_row(view(provider, kind), [], NOW, ZoneInfo("UTC")).kind == name


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal(25), "USD", "$25.00"),
        (Decimal("-1.5"), "USD", "−$1.50"),
        (Decimal("0.0042"), "USD", "$0.0042"),
        (Decimal("3.5"), "CNY", "3.50\u00a0CNY"),
        (None, None, ""),
    ],
)
def test_a_balance_in_words(amount: Decimal | None, currency: str | None, text: str) -> None:
    known = view(Provider.XAI, "admin", balance=amount, balance_currency=currency, balance_at=NOW)
    assert key_row(known, [], NOW, ZoneInfo("UTC")).balance == text


def test_a_key_without_a_key_has_no_hint() -> None:
    assert key_row(view(Provider.CUSTOM, "inference", hint=""), [], NOW, ZoneInfo("UTC")).hint == ""
