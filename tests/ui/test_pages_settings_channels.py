"""The channels of the settings: added, tried, renewed, switched and deleted, with secrets that no var holds."""

from collections.abc import Generator

import pytest
from sqlmodel import Session, select

from guardian.config import settings
from guardian.errors import AuthorizationError, NotFoundError
from guardian.models import ActivityLog, NotificationTarget, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.services.people.access.sessions import open_session
from guardian.ui.pages.settings.page import SettingsState
from tests.fakes import seed
from tests.fakes.sink import Answer, Sink
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work


@pytest.fixture
def sink(session: Session, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    settings.cache_clear()
    with Sink() as opened:
        yield opened


@pytest.fixture
def page(page_of: StatePage, company: seed.Company, sink: Sink) -> SettingsState:
    state = page_of(SettingsState, company.token, "/settings")
    work(state, "load")
    return state


def _actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]  # type: ignore[arg-type]


def _add(page: SettingsState, sink: Sink, kind: str = "SLACK", name: str = "ops") -> str:
    work(page, "open_add_channel")
    work(page, "choose_channel_kind", kind)
    work(page, "add_channel", {"kind": kind, "name": name, "url": sink.url()})
    return next(row.id for row in page.channels if row.name == name)


def test_a_channel_is_added_tried_changed_and_deleted(page: SettingsState, sink: Sink, session: Session) -> None:
    id = _add(page, sink)
    [row] = page.channels
    assert (row.kind_name, row.hint, row.active, row.taken.text) == (
        "Slack",
        f"127.0.0.1:{sink.port} …part",
        True,
        "nothing sent yet",
    )
    assert page.channel_dialog == ""
    work(page, "test_channel", id)
    assert (len(sink.posted), page.channels[0].failing, page.channel_tried) == (1, False, "")
    assert page.channels[0].taken.iso != ""
    sink.answer = Answer(410, b"")
    work(page, "test_channel", id)
    assert (page.channels[0].active, page.channels[0].disabled) == (False, True)
    assert "closed for good" in page.channels[0].problem
    work(page, "switch_channel", id, True)
    assert (page.channels[0].active, page.channels[0].disabled) == (True, False)
    work(page, "open_channel", id, "edit")
    assert (page.channel_dialog, page.channel.name, page.channel_kind) == ("edit", "ops", "SLACK")
    said = work(page, "save_channel", {"name": "FinOps", "url": ""})
    assert payload(said)["message"] == "FinOps is saved."
    assert page.channels[0].hint == row.hint
    work(page, "open_channel", id, "delete")
    work(page, "delete_channel")
    assert page.channels == []
    assert _actions(session) == [
        "CHANNEL_CREATE",
        "CHANNEL_TEST",
        "CHANNEL_TEST",
        "CHANNEL_UPDATE",
        "CHANNEL_UPDATE",
        "CHANNEL_DELETE",
    ]


def test_a_webhooks_secret_is_seen_once_and_in_no_var(page: SettingsState, sink: Sink) -> None:
    work(page, "open_add_channel")
    said = work(page, "add_channel", {"kind": "WEBHOOK", "name": "hook", "url": sink.url()})
    assert "whsec_" in str(said.args)
    assert page.channel_made == "hook"
    [row] = page.channels
    work(page, "close_channel")
    work(page, "open_channel", row.id, "renew")
    renewed = work(page, "renew_secret")
    assert "whsec_" in str(renewed.args)
    assert str(renewed.args) != str(said.args)
    assert "good until" in page.channels[0].rotating
    shown = str(page.dict())
    assert "whsec_" not in shown
    assert "secret-part" not in shown


def test_a_wrong_form_is_said_and_keeps_the_dialog(page: SettingsState, sink: Sink, session: Session) -> None:
    work(page, "open_add_channel")
    for form, words in (
        ({"kind": "PIGEON", "name": "x"}, "Choose what kind"),
        ({"kind": "SLACK", "name": "x"}, "needed"),
        ({"kind": "SLACK", "name": "x", "url": "https://10.0.0.1/x"}, "not a public address"),
        ({"kind": "EMAIL", "name": "", "address": "a@acme.test"}, "name of 1 to"),
    ):
        assert work(page, "add_channel", form) is None
        assert words in page.channel_refusal
        assert page.channel_dialog == "add"
    id = _add(page, sink)
    work(page, "open_channel", id, "edit")
    work(page, "save_channel", {"name": ""})
    assert (page.channel_dialog, "name of 1 to" in page.channel_refusal) == ("edit", True)
    assert _actions(session) == ["CHANNEL_CREATE"]


def test_a_member_looks_and_changes_nothing(
    page_of: StatePage, page: SettingsState, sink: Sink, session: Session, company: seed.Company
) -> None:
    id = _add(page, sink)
    user = User(email="bob@acme.example", organization_id=company.organization.id)
    session.add(user)
    session.flush()
    session.add(TeamMember(organization_id=company.organization.id, user_id=user.id, role=TeamRole.MEMBER))
    token, _row = open_session(session, user, user_agent=None, ip_address=None)
    session.commit()
    state = page_of(SettingsState, token, "/settings")
    work(state, "load")
    assert (len(state.channels), state.may_change_channels) == (1, False)
    for handler, arguments in (("open_add_channel", ()), ("test_channel", (id,)), ("switch_channel", (id, False))):
        with pytest.raises(AuthorizationError):
            work(state, handler, *arguments)
    assert session.get_one(NotificationTarget, id).is_active


def test_another_organizations_channel_does_not_exist(
    page_of: StatePage, page: SettingsState, sink: Sink, session: Session
) -> None:
    id = _add(page, sink)
    other = seed.company(session, "Globex")
    session.commit()
    state = page_of(SettingsState, other.token, "/settings")
    work(state, "load")
    assert state.channels == []
    for handler, arguments in (
        ("open_channel", (id, "edit")),
        ("test_channel", (id,)),
        ("switch_channel", (id, False)),
    ):
        with pytest.raises(NotFoundError):
            work(state, handler, *arguments)
    assert sink.posted == []
