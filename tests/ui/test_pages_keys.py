"""The key manager: what its handlers do to the vault, what they say, and what never leaves the server."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session, select

from guardian.config import settings
from guardian.errors import NotFoundError, ValidationError
from guardian.models import ActivityLog, ApiKey, SyncRun, TeamMember, User
from guardian.models.enums import KeyStatus, Provider, SyncStatus, SyncTrigger, TeamRole
from guardian.services.people.access.sessions import open_session
from guardian.ui.pages.keys.page import KeysState
from tests.conftest import Servers
from tests.fakes import seed
from tests.fakes.anthropic_api import ADMIN_KEY as ANTHROPIC_ADMIN
from tests.fakes.openai_api import ADMIN_KEY, LEGACY_KEY, PROJECT_KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import Key
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work

OTHER_ADMIN_KEY = "sk-admin-second-0123456789wxyz"


@pytest.fixture
def fake(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        for setting, url in running.urls.items():
            monkeypatch.setenv(setting.upper(), url)
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
        settings.cache_clear()
        yield running


@pytest.fixture
def page(page_of: StatePage, company: seed.Company, fake: FakeProvider) -> KeysState:
    """The page of somebody who has no key yet, loaded."""
    state = page_of(KeysState, company.token, "/keys")
    work(state, "load")
    return state


def _form(secret: str, label: str = "Production", provider: str = "OPENAI") -> dict[str, str]:
    return {"provider": provider, "label": label, "secret": secret}


def _stored(session: Session) -> list[ApiKey]:
    session.expire_all()
    return list(session.exec(select(ApiKey).order_by(ApiKey.id)))


def _actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]


@pytest.fixture
def stored(page: KeysState, session: Session) -> ApiKey:
    """An admin key of OpenAI that was added through the page."""
    work(page, "add", _form(ADMIN_KEY))
    return _stored(session)[0]


def test_a_good_admin_key_is_stored_and_pulled_at_once(page: KeysState, session: Session) -> None:
    work(page, "open_add")
    said = work(page, "add", _form(f"  {ADMIN_KEY}\n"))
    (key,) = _stored(session)
    assert (key.provider, key.label, key.hint, key.status) == (Provider.OPENAI, "Production", "cdef", KeyStatus.ACTIVE)
    (run,) = session.exec(select(SyncRun)).all()
    assert (run.api_key_id, run.trigger, run.status) == (key.id, SyncTrigger.BACKFILL, SyncStatus.QUEUED)
    assert payload(said)["message"] == "Production works and is stored. What it can read is being pulled."
    (row,) = page.keys
    assert (row.kind, row.state, row.hint, row.pulling, row.pull.note) == (
        "Admin key",
        "Works",
        "••••cdef",
        True,
        "waiting for a worker",
    )
    assert (page.dialog, page.working, page.refusal) == ("", False, "")
    assert _actions(session) == ["KEY_CREATE"]


def test_an_anthropic_key_names_its_account(page: KeysState) -> None:
    work(page, "add", _form(ANTHROPIC_ADMIN, "Claude", "ANTHROPIC"))
    assert [(row.provider, row.account, row.pulling) for row in page.keys] == [("Anthropic", "Organization Name", True)]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (_form("sk-admin-nobody-knows-this-one"), "OpenAI does not accept this key"),
        (_form("sk-ant-admin01-nobody-knows-it", provider="ANTHROPIC"), "Anthropic does not accept this key"),
        (_form(""), "Paste the provider's key."),
        (_form("two words"), "This is not a key"),
        (_form(ADMIN_KEY, provider="NOBODY"), "Choose whose key this is."),
        (_form(ADMIN_KEY, provider=""), "Choose whose key this is."),
        (_form(ADMIN_KEY, label="x" * 101), "This label is not usable."),
        (_form(ADMIN_KEY, label=ADMIN_KEY), "This label looks like a key."),
    ],
)
def test_what_cannot_be_stored_is_said_in_the_dialog(
    page: KeysState, session: Session, form: dict[str, str], sentence: str
) -> None:
    work(page, "open_add")
    assert work(page, "add", form) is None
    assert sentence in page.refusal
    assert (page.dialog, page.working, _stored(session), _actions(session)) == ("add", False, [], [])


def test_a_provider_that_is_down_stores_nothing(page: KeysState, fake: FakeProvider, session: Session) -> None:
    fake.html("*", status=502)
    work(page, "add", _form(ADMIN_KEY))
    assert "OpenAI has a problem on its side (HTTP 502)" in page.refusal
    assert _stored(session) == []


def test_an_inference_key_is_kept_and_told_apart(page: KeysState, session: Session) -> None:
    said = work(page, "add", _form(PROJECT_KEY, "Chatbot"))
    assert "Usage reports need an admin key" in payload(said)["message"]
    (row,) = page.keys
    assert (row.kind, row.is_admin, row.pulling) == ("Inference key", False, False)
    assert (row.state, row.note) == ("Works", "")
    assert row.no_reporting.endswith("or a key of the kind “Admin key”.")
    assert session.exec(select(SyncRun)).all() == []
    with pytest.raises(ValidationError, match=r"There is nothing to pull\. This key reads no reports"):
        work(page, "pull", row.id)


def test_a_label_and_a_key_are_there_once(
    page: KeysState, stored: ApiKey, fake: FakeProvider, session: Session
) -> None:
    work(page, "add", _form(ADMIN_KEY, "Again"))
    assert page.refusal == "This key is in the vault already, as “Production”."
    fake.openai.keys[OTHER_ADMIN_KEY] = Key("admin")
    work(page, "add", _form(OTHER_ADMIN_KEY))
    assert "labelled “Production” already" in page.refusal
    assert len(_stored(session)) == 1


def test_a_second_submit_while_the_first_runs_does_nothing(page: KeysState, fake: FakeProvider) -> None:
    page.working = True
    assert work(page, "add", _form(ADMIN_KEY)) is None
    assert fake.log == []
    work(page, "open_add")
    work(page, "close")
    assert page.dialog == "add"


def test_the_secret_stays_on_the_server(page: KeysState, stored: ApiKey, session: Session) -> None:
    work(page, "open_replace", stored.id)
    work(page, "replace", {"secret": "sk-admin-wrong-0123456789"})
    kept = repr(page.dict()).encode() + page._serialize()
    for secret in (ADMIN_KEY, ADMIN_KEY[-10:], "sk-admin-wrong"):
        assert secret.encode() not in kept
    audit = repr([row.model_dump() for row in session.exec(select(ActivityLog))])
    assert ADMIN_KEY not in audit


def test_replacing_needs_a_key_that_works(
    page: KeysState, stored: ApiKey, fake: FakeProvider, session: Session
) -> None:
    sealed = stored.encrypted_key
    work(page, "open_replace", stored.id)
    assert page.key.name == "Production"
    work(page, "replace", {"secret": "sk-admin-nobody-knows-this-one"})
    assert "OpenAI does not accept this key" in page.refusal
    assert _stored(session)[0].encrypted_key == sealed

    fake.openai.keys[OTHER_ADMIN_KEY] = Key("admin")
    said = work(page, "replace", {"secret": OTHER_ADMIN_KEY})
    assert "is stored" in payload(said)["message"]
    (key,) = _stored(session)
    assert (key.id, key.hint, key.label) == (stored.id, "wxyz", "Production")
    assert _actions(session) == ["KEY_CREATE", "KEY_UPDATE"]


def test_testing_tells_what_changed(page: KeysState, stored: ApiKey, fake: FakeProvider, session: Session) -> None:
    said = payload(work(page, "test", stored.id))
    assert (said["tone"], said["message"]) == ("success", "This admin key works: usage and costs can be read.")
    fake.openai.keys[ADMIN_KEY].revoked = True
    said = payload(work(page, "test", stored.id))
    assert said["tone"] == "error"
    (row,) = page.keys
    assert (row.state, row.tone, row.note_tone) == ("Rejected", "bad", "bad")
    assert "Replace it with a valid one." in row.note
    assert page.testing == []
    assert _actions(session)[1:] == ["KEY_TEST", "KEY_TEST"]


def test_pulling_again_gives_the_pull_that_waits(page: KeysState, stored: ApiKey, session: Session) -> None:
    work(page, "pull", stored.id)
    assert len(session.exec(select(SyncRun)).all()) == 1
    assert page.keys[0].pulling


def test_deactivated_keys_are_not_pulled(page: KeysState, stored: ApiKey, session: Session) -> None:
    assert payload(work(page, "switch", stored.id, False))["message"] == "Production is deactivated."
    (row,) = page.keys
    assert (row.active, row.state) == (False, "Deactivated")
    with pytest.raises(ValidationError, match="switched off"):
        work(page, "pull", stored.id)
    work(page, "switch", stored.id, True)
    assert _stored(session)[0].is_active


def test_renaming(page: KeysState, stored: ApiKey, session: Session) -> None:
    work(page, "open_rename", stored.id)
    work(page, "rename", {"label": "x" * 101})
    assert "This label is not usable." in page.refusal
    work(page, "rename", {"label": "  Main \n account "})
    assert (page.dialog, page.keys[0].name, _stored(session)[0].label) == ("", "Main account", "Main account")


def test_the_providers_id_of_a_key_is_told_seen_and_changed(page: KeysState, stored: ApiKey, session: Session) -> None:
    work(page, "open_rename", stored.id)
    work(page, "rename", {"label": "Main", "external_id": "not an id"})
    assert "without spaces" in page.refusal
    work(page, "rename", {"label": "Main", "external_id": " key_Ab1 "})
    assert (page.dialog, page.keys[0].external_id) == ("", "key_Ab1")
    session.refresh(stored)
    assert (stored.meta or {})["externalKeyId"] == "key_Ab1"
    work(page, "open_rename", stored.id)
    assert page.key.external_id == "key_Ab1"
    work(page, "rename", {"label": "Main", "external_id": ""})
    assert page.keys[0].external_id == ""


def test_deleting_says_what_is_lost_and_asks_for_the_name(page: KeysState, stored: ApiKey, session: Session) -> None:
    work(page, "open_delete", stored.id)
    assert page.losses == [
        "The key itself goes. To connect this account again, you need it or a new one of OpenAI.",
        "Its pull is forgotten: what it read, added and changed.",
        "It is the last active admin key of this account: its figures stop being updated.",
        "No usage was recorded with it, so no figure changes.",
    ]
    work(page, "type_name", "production")
    with pytest.raises(ValidationError, match="Type Production to delete"):
        work(page, "delete")
    assert len(_stored(session)) == 1
    work(page, "type_name", "Production")
    assert payload(work(page, "delete"))["message"] == "Production is deleted."
    assert (_stored(session), page.keys, page.dialog) == ([], [], "")
    assert _actions(session)[-1] == "KEY_DELETE"


def test_a_slow_provider_does_not_hold_the_tabs_lock() -> None:
    """The lock lives 10 s, a provider may take 30: what asks one runs beside the tab's other events."""
    beside = {name for name, handler in KeysState.event_handlers.items() if handler.is_background}
    assert beside == {"add", "replace", "test"}


@pytest.mark.parametrize(
    ("handler", "more"),
    [
        ("open_replace", ()),
        ("open_rename", ()),
        ("open_delete", ()),
        ("test", ()),
        ("pull", ()),
        ("switch", (False,)),
    ],
)
def test_another_organizations_key_is_not_found(
    page: KeysState, stored: ApiKey, page_of: StatePage, session: Session, handler: str, more: tuple[bool, ...]
) -> None:
    stranger = seed.company(session, "Globex")
    session.commit()
    state = page_of(KeysState, stranger.token, "/keys")
    before = stored.model_dump()
    with pytest.raises(NotFoundError, match="Key not found"):
        work(state, handler, stored.id, *more)
    assert _stored(session)[0].model_dump() == before
    assert (state.keys, state.dialog) == ([], "")


def test_a_stolen_target_does_not_help(page: KeysState, stored: ApiKey, page_of: StatePage, session: Session) -> None:
    """Even a State that holds another organization's key cannot delete, rename or replace it."""
    stranger = seed.company(session, "Globex")
    session.commit()
    state = page_of(KeysState, stranger.token, "/keys")
    state.key, state.typed = page.keys[0], "Production"
    for handler, form in (("delete", ()), ("rename", ({"label": "Mine"},)), ("replace", ({"secret": ADMIN_KEY},))):
        work(state, handler, *form)
        assert state.refusal == "Key not found"
    (key,) = _stored(session)
    assert (key.label, key.hint) == ("Production", "cdef")


def test_a_viewer_sees_and_changes_nothing(
    page: KeysState, stored: ApiKey, page_of: StatePage, session: Session, company: seed.Company
) -> None:
    user = User(email="vera@acme.example", organization_id=company.organization.id)
    session.add(user)
    session.flush()
    session.add(TeamMember(organization_id=company.organization.id, user_id=user.id, role=TeamRole.VIEWER))
    token, _row = open_session(session, user, user_agent=None, ip_address=None)
    session.commit()
    state = page_of(KeysState, token, "/keys")
    work(state, "load")
    assert (state.can_add, [(row.name, row.may_change) for row in state.keys]) == (False, [("Production", False)])
    for handler, more in (
        ("open_add", ()),
        ("pull", (stored.id,)),
        ("test", (stored.id,)),
        ("switch", (stored.id, False)),
    ):
        with pytest.raises(Exception, match="You are not allowed to do this"):
            work(state, handler, *more)
    state.key, state.typed = page.keys[0], "Production"
    work(state, "delete")
    assert "You are not allowed to do this" in state.refusal
    work(state, "add", _form(LEGACY_KEY))
    assert "You are not allowed to do this" in state.refusal
    assert len(_stored(session)) == 1
