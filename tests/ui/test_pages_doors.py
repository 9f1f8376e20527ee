"""The signed-out pages: what an address says to a form, and where the forms lead."""

from typing import Any

import pytest
from sqlmodel import Session

from guardian.api.auth import forms as auth
from guardian.ui.pages.doors import door
from guardian.ui.pages.doors.forgot import ForgotState
from guardian.ui.pages.doors.reset import ResetState
from guardian.ui.pages.doors.sign_in import SignInState
from guardian.ui.pages.doors.sign_up import SignUpState
from guardian.ui.session import NotSignedIn
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work

DOORS = [SignInState, SignUpState, ForgotState, ResetState]


def test_pages_are_where_the_forms_answers_lead() -> None:
    assert (door.SIGN_IN, door.SIGN_UP, door.FORGOT, door.RESET, door.HOME) == (
        auth.SIGN_IN_PAGE,
        auth.SIGN_UP_PAGE,
        auth.FORGOT_PAGE,
        auth.RESET_PAGE,
        auth.HOME,
    )


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", ""),
        ("error=credentials", "The e-mail address or the password is wrong."),
        ("error=too-often&retryAfter=840", "Too many tries. Try again in 14\u00a0min."),
        ("error=too-often&retryAfter=soon", "Too many tries. Wait a little, then try again."),
        ("error=<script>alert(1)</script>", "Something went wrong on our side, and was recorded. Try again."),
        ("error=Call+0900-1234+now", "Something went wrong on our side, and was recorded. Try again."),
    ],
)
@pytest.mark.parametrize("state_class", DOORS)
def test_an_error_is_a_code_that_the_page_knows(
    page_of: StatePage, state_class: Any, query: str, sentence: str
) -> None:
    state = page_of(state_class, None, f"/?{query}&email=mia%40acme.example")
    work(state, "enter")
    assert (state.problem, state.email) == (sentence, "mia@acme.example")


@pytest.mark.usefixtures("environment")
def test_what_each_door_reads(page_of: StatePage) -> None:
    signed_up = page_of(SignUpState, None, "/register?name=Mia&company=Acme")
    work(signed_up, "enter")
    assert (signed_up.name_again, signed_up.company) == ("Mia", "Acme")
    sent = page_of(ForgotState, None, "/forgot-password?sent=1")
    work(sent, "enter")
    assert sent.sent
    changed = page_of(SignInState, None, "/?reset=1")
    work(changed, "enter")
    assert changed.done == "Your password is changed. Sign in with it."


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("query", "usable"),
    [("token=abc", True), ("", False), ("token=abc&error=token", False), ("token=a&error=password", True)],
)
def test_a_reset_needs_a_link_that_works(page_of: StatePage, query: str, usable: bool) -> None:
    state = page_of(ResetState, None, f"/reset-password?{query}")
    work(state, "enter")
    assert state.usable is usable


@pytest.mark.parametrize(
    ("state_class", "leaves"), [(SignInState, True), (SignUpState, True), (ForgotState, False), (ResetState, False)]
)
def test_who_is_signed_in_has_no_business_at_a_strangers_door(
    page_of: StatePage, session: Session, state_class: Any, leaves: bool
) -> None:
    company = seed.company(session, "Acme")
    session.commit()
    event = work(page_of(state_class, company.token, "/"), "enter")
    assert (event is not None and payload(event)["path"] == "/dashboard") is leaves
    assert work(page_of(state_class, "not-a-token", "/"), "enter") is None


def test_the_way_back_is_kept() -> None:
    assert NotSignedIn("/dashboard").sign_in_address == "/"
    assert NotSignedIn("/dashboard?range=7d").sign_in_address == "/?next=%2Fdashboard%3Frange%3D7d"
    assert NotSignedIn("/keys", was_signed_in=True).sign_in_address == "/?error=signed-out&next=%2Fkeys"
