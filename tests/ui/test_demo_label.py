"""A demonstration says so on every page and in every mail; what is none never does."""

import pytest
from sqlmodel import Session

from guardian.config import settings
from guardian.services.people.mail import letter, queue_mail
from guardian.ui.demo import DemoState
from tests.conftest import Servers
from tests.ui.conftest import StatePage
from tests.ui.pages import work


@pytest.mark.parametrize("is_demo", [True, False])
def test_pages_and_mails_say_so(
    session: Session, environment: Servers, page_of: StatePage, monkeypatch: pytest.MonkeyPatch, is_demo: bool
) -> None:
    monkeypatch.setenv("GUARDIAN_DEMO", "1" if is_demo else "")
    settings.cache_clear()
    page = page_of(DemoState)
    work(page, "enter")
    assert page.shown is is_demo
    text, html = letter("Spend is high", ["More than usual."])
    assert ("This is a demonstration" in text) is is_demo
    assert ("This is a demonstration" in html) is is_demo
    row = queue_mail(session, to="ada@acme.test", subject="Spend is high", text=text, html=html)
    assert row.subject == ("[Demonstration] Spend is high" if is_demo else "Spend is high")
