"""The second factor: turning it on, being asked for it, the codes that work and those that do not."""

import time
from typing import Any

import pytest
from pyotp.totp import TOTP
from sqlmodel import Session, select

from guardian.api.steps import COOKIE
from guardian.crypto import encryption
from guardian.models import ActivityLog, EmailLog, SecondFactor
from guardian.services.people.access.second_factors import CODES_PER_USER
from tests.api.conftest import PASSWORD, Client, MakeClient, SignIn, execute
from tests.api.signing import error_of
from tests.conftest import People

CREDENTIALS = {"email": "ada@acme.test", "password": PASSWORD}


def code_of(secret: str, steps: int = 0) -> str:
    """The code that the app shows now, or so many steps of 30 s later."""
    return TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


def fresh() -> None:
    """As if the last code was taken long ago."""
    execute("UPDATE second_factors SET last_step = NULL")


def turn_on(client: Client) -> tuple[str, list[str]]:
    """The secret and the recovery codes."""
    secret: str = client.data("POST", "/auth/second-factor", 201)["secret"]
    codes: list[str] = client.data("POST", "/auth/second-factor/confirm", json={"code": code_of(secret)})[
        "recoveryCodes"
    ]
    fresh()
    return secret, codes


def step_of(client: Client) -> str:
    """The token of a sign-in that is half done."""
    asked = client.data("POST", "/auth/login", json=CREDENTIALS)
    assert asked.keys() == {"secondFactor", "token"}
    assert COOKIE not in client.cookies
    token: str = asked["token"]
    return token


@pytest.fixture
def person(client: Client) -> Client:
    client.sign_up()
    return client


def test_it_is_turned_on_by_a_code_of_the_app(person: Client, session: Session) -> None:
    assert person.data("GET", "/auth/second-factor") == {"since": None, "recoveryLeft": 0}
    made = person.data("POST", "/auth/second-factor", 201)
    assert made["address"].startswith("otpauth://totp/AI%20Cost%20Guardian:ada%40acme.test?secret=" + made["secret"])
    picture = person.get("/api/v1/auth/second-factor/qr")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert picture.text.lstrip().startswith("<?xml")
    assert person.data("GET", "/auth/second-factor")["since"] is None

    assert "clock" in person.failure("POST", "/auth/second-factor/confirm", 400, json={"code": "12345"})["error"]
    codes = person.data("POST", "/auth/second-factor/confirm", json={"code": code_of(made["secret"])})["recoveryCodes"]
    assert len(set(codes)) == 10
    assert person.data("GET", "/auth/second-factor")["recoveryLeft"] == 10
    person.failure("POST", "/auth/second-factor", 409)
    # What was shown is not shown again, and what is stored opens nothing.
    person.failure("GET", "/auth/second-factor/qr", 404)
    row = session.exec(select(SecondFactor)).one()
    stored = row.model_dump_json()
    assert not any(each in stored or each.replace("-", "") in stored for each in [made["secret"], *codes])
    assert encryption().decrypt(row.encrypted_secret, row.iv, row.tag, row.encryption_key_id) == made["secret"]
    assert [each.subject for each in session.exec(select(EmailLog).where(EmailLog.kind == "security"))] == [
        "Your sign-in asks for a second factor now"
    ]


def test_a_sign_in_asks_for_a_code_and_takes_it_once(person: Client, new_client: MakeClient) -> None:
    secret, _codes = turn_on(person)
    client = new_client()
    token = step_of(client)
    client.failure("GET", "/auth/session", 401)
    assert client.failure("POST", "/auth/login/code", 401, json={"token": token, "code": "no"})["error"].startswith(
        "This code is wrong"
    )
    code = code_of(secret)
    done = client.data("POST", "/auth/login/code", json={"token": token, "code": f" {code[:3]} {code[3:]} "})
    assert (done["user"]["email"], done["session"]["method"]) == ("ada@acme.test", "password")

    # The very same code, seen over a shoulder, and the first half again.
    other = new_client()
    other.failure("POST", "/auth/login/code", 401, json={"token": step_of(other), "code": code})
    fresh()
    again = other.failure("POST", "/auth/login/code", 400, json={"token": token, "code": code_of(secret)})
    assert again["details"][0]["field"] == "token"


@pytest.mark.parametrize(("steps", "goes"), [(-1, True), (1, True), (-3, False), (3, False)])
def test_the_phones_clock_may_be_off_a_little(person: Client, new_client: MakeClient, steps: int, goes: bool) -> None:
    secret, _codes = turn_on(person)
    # A step may end between making a code and giving it: only what is allowed by two steps must not fail for that.
    client = new_client()
    token, code = step_of(client), code_of(secret, steps)
    answer = client.post("/api/v1/auth/login/code", json={"token": token, "code": code})
    if goes and answer.status_code == 401:
        answer = client.post("/api/v1/auth/login/code", json={"token": token, "code": code_of(secret, steps)})
    assert answer.status_code == (200 if goes else 401)


def test_a_recovery_code_works_once(person: Client, new_client: MakeClient, session: Session) -> None:
    _secret, codes = turn_on(person)
    client = new_client()
    client.data("POST", "/auth/login/code", json={"token": step_of(client), "code": codes[3].upper()})
    other = new_client()
    other.failure("POST", "/auth/login/code", 401, json={"token": step_of(other), "code": codes[3]})
    other.data("POST", "/auth/login/code", json={"token": step_of(other), "code": codes[4].replace("-", "")})
    assert person.data("GET", "/auth/second-factor")["recoveryLeft"] == 8
    row = session.exec(
        select(ActivityLog).where(ActivityLog.action == "AUTH_LOGIN").order_by(ActivityLog.sequence)
    ).first()
    assert row is not None
    assert row.meta is not None
    assert row.meta["secondFactor"] == "recovery code"


def test_guessing_ends_after_ten(person: Client, new_client: MakeClient) -> None:
    secret, codes = turn_on(person)
    client = new_client()
    token = step_of(client)
    for _ in range(CODES_PER_USER.count):
        client.failure("POST", "/auth/login/code", 401, json={"token": token, "code": "000"})
    stopped = client.failure("POST", "/auth/login/code", 429, json={"token": token, "code": code_of(secret)})
    assert stopped["retryAfter"] > 0
    # From elsewhere too, and by the other doors to the same codes.
    other = new_client()
    other.failure("POST", "/auth/login/code", 429, json={"token": step_of(other), "code": codes[0]})
    person.failure("POST", "/auth/second-factor/disable", 429, json={"proof": PASSWORD})


@pytest.mark.parametrize("token", ["", "x", "a.b.c.d", "é"])
def test_a_forged_first_step_is_none(person: Client, token: str) -> None:
    turn_on(person)
    person.failure("POST", "/auth/login/code", 400, json={"token": token, "code": "123456"})


def test_a_new_password_does_not_turn_it_off(person: Client, new_client: MakeClient, session: Session) -> None:
    # Of an address that is confirmed: before, it may be a stranger's, who is locked out by it.
    execute("UPDATE users SET email_verified = now()")
    secret, _codes = turn_on(person)
    stranger = new_client()
    half = step_of(stranger)
    stranger.data("POST", "/auth/password/forgot", json={"email": "ada@acme.test"})
    mail = session.exec(select(EmailLog).where(EmailLog.kind == "reset")).one()
    assert mail.payload
    token = next(word for word in mail.payload["text"].split() if "/reset-password?" in word).partition("token=")[2]
    stranger.data("POST", "/auth/password/reset", json={"token": token, "password": "a new password"})
    # What was begun with the old password is over.
    stranger.failure("POST", "/auth/login/code", 400, json={"token": half, "code": code_of(secret)})
    asked = stranger.data("POST", "/auth/login", json={"email": "ada@acme.test", "password": "a new password"})
    assert asked["secondFactor"] is True
    stranger.failure("GET", "/auth/session", 401)


@pytest.mark.parametrize("proof", ["password", "code", "recovery"])
def test_it_is_turned_off_by_who_proves_themselves(person: Client, new_client: MakeClient, proof: str) -> None:
    secret, codes = turn_on(person)
    person.failure("POST", "/auth/second-factor/disable", 401, json={"proof": "something else"})
    given = {"password": PASSWORD, "code": code_of(secret), "recovery": codes[0]}[proof]
    person.data("POST", "/auth/second-factor/disable", json={"proof": given})
    person.failure("POST", "/auth/second-factor/disable", 404, json={"proof": given})
    assert new_client().data("POST", "/auth/login", json=CREDENTIALS)["user"]["email"] == "ada@acme.test"


def test_new_recovery_codes_replace_the_old(person: Client, new_client: MakeClient) -> None:
    _secret, codes = turn_on(person)
    renewed = person.data("POST", "/auth/second-factor/recovery-codes", json={"proof": PASSWORD})["recoveryCodes"]
    assert not set(renewed) & set(codes)
    client = new_client()
    token = step_of(client)
    client.failure("POST", "/auth/login/code", 401, json={"token": token, "code": codes[0]})
    client.data("POST", "/auth/login/code", json={"token": token, "code": renewed[0]})


def test_by_forms_the_first_step_is_in_a_cookie(person: Client, new_client: MakeClient) -> None:
    secret, _codes = turn_on(person)
    client = new_client()
    asked = client.post("/auth/login", data={**CREDENTIALS, "next": "/usage"}, follow_redirects=False)
    assert asked.headers["location"] == "/sign-in-code?next=%2Fusage"
    [cookie] = [each for each in asked.headers.get_list("set-cookie") if each.startswith("guardian_step=")]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/auth/login/code", "Max-Age=600"))
    wrong = client.post("/auth/login/code", data={"code": "1", "next": "/usage"}, follow_redirects=False)
    assert wrong.headers["location"] == "/sign-in-code?error=code&next=%2Fusage"
    right = client.post("/auth/login/code", data={"code": code_of(secret), "next": "/usage"}, follow_redirects=False)
    assert right.headers["location"] == "/usage"
    client.data("GET", "/auth/session")
    lost = new_client().post("/auth/login/code", data={"code": "123456"}, follow_redirects=False)
    assert error_of(lost.headers["location"]) == "code-over"
    evil = client.post("/auth/login/code", data={"code": "1", "next": "//evil.test"}, follow_redirects=False)
    assert evil.headers["location"].startswith("/sign-in-code?")


def test_signing_out_everywhere_ends_this_one_too(person: Client, new_client: MakeClient) -> None:
    others = [new_client() for _ in range(2)]
    for other in others:
        other.data("POST", "/auth/login", json=CREDENTIALS)
    form = person.post("/auth/logout/everywhere", follow_redirects=False)
    assert form.headers["location"] == "/"
    for each in (person, *others):
        each.failure("GET", "/auth/session", 401)
    person.data("POST", "/auth/login", json=CREDENTIALS)
    person.data("DELETE", "/auth/sessions?everywhere=true")
    person.failure("GET", "/auth/session", 401)


def test_it_is_nobody_elses(sign_in: SignIn, people: People) -> None:
    turn_on(sign_in(people.alice))
    for other in (people.bob, people.charlie):
        client = sign_in(other)
        found: dict[str, Any] = client.data("GET", "/auth/second-factor")
        assert found["since"] is None
        client.failure("POST", "/auth/second-factor/disable", 404, json={"proof": PASSWORD})
        client.failure("GET", "/auth/second-factor/qr", 404)
