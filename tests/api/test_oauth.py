"""Signing in with Google, GitHub and any OpenID Connect issuer, against real local servers that also lie and fail."""

from collections.abc import Generator
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select

from guardian.api.steps import COOKIE
from guardian.config import settings
from guardian.models import Account, ActivityLog, EmailLog, User
from guardian.models import Session as BrowserSession
from guardian.periods import utcnow
from tests.api.conftest import PASSWORD, Client, MakeClient, SignIn, execute
from tests.api.signing import error_of, through, to_provider, visit
from tests.conftest import People
from tests.fakes import github_server, oidc_server
from tests.fakes.github_server import GitHubServer
from tests.fakes.oidc_server import FAULTS, OidcServer

HOME = "/dashboard"
MAIL = "ada@acme.test"


@pytest.fixture
def issuer(environment: object, api_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[OidcServer]:
    """The issuer of OIDC_ISSUER, and of Google too."""
    with OidcServer() as running:
        for name, value in {
            "PUBLIC_URL": api_url,
            "OIDC_ISSUER": running.url,
            "OIDC_CLIENT_ID": oidc_server.CLIENT_ID,
            "OIDC_CLIENT_SECRET": oidc_server.CLIENT_SECRET,
            "OIDC_NAME": "Acme SSO",
            "GOOGLE_ISSUER": running.url,
            "GOOGLE_CLIENT_ID": oidc_server.CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": oidc_server.CLIENT_SECRET,
            "SIGN_IN_TIMEOUT_SECONDS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield running


@pytest.fixture
def github(environment: object, api_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[GitHubServer]:
    with GitHubServer() as running:
        for name, value in {
            "PUBLIC_URL": api_url,
            "GITHUB_BASE_URL": running.url,
            "GITHUB_API_URL": running.url,
            "GITHUB_CLIENT_ID": github_server.CLIENT_ID,
            "GITHUB_CLIENT_SECRET": github_server.CLIENT_SECRET,
        }.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield running


def is_signed_in(client: Client) -> bool:
    return client.get("/api/v1/auth/session").status_code == 200


def verified(email: str = MAIL) -> None:
    execute("UPDATE users SET email_verified = now() WHERE email = :email", email=email)


@pytest.mark.parametrize("provider", ["oidc", "google"])
def test_a_new_person_signs_in_and_comes_back_as_the_same(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session, provider: str
) -> None:
    assert through(client, provider) == HOME
    me = client.data("GET", "/auth/session")
    assert (me["user"]["email"], me["user"]["name"], me["session"]["method"]) == (MAIL, "Ada Lovelace", provider)
    user = session.exec(select(User)).one()
    assert user.email_verified is not None
    assert user.password_hash is None
    [welcome] = session.exec(select(EmailLog))
    assert welcome.kind == "welcome"
    assert welcome.payload
    assert "verify-email" not in welcome.payload["text"]

    # The address may change over there: the subject does not.
    issuer.person["email"] = "ada.king@acme.test"
    again = new_client()
    assert through(again, provider) == HOME
    assert again.data("GET", "/auth/session")["user"]["id"] == user.id
    assert session.exec(select(User.email)).all() == [MAIL]
    rows = session.exec(select(ActivityLog).order_by(ActivityLog.sequence)).all()
    assert [(row.action, (row.meta or {}).get("method")) for row in rows] == [("AUTH_LOGIN", provider)] * 2


def test_github_gives_its_verified_primary_address(github: GitHubServer, client: Client, session: Session) -> None:
    assert through(client, "github") == HOME
    assert client.data("GET", "/auth/session")["user"]["email"] == MAIL
    account = session.exec(select(Account)).one()
    assert (account.provider, account.provider_account_id, account.email) == ("github", "583231", MAIL)


def test_only_what_is_set_up_is_offered(github: GitHubServer, client: Client) -> None:
    assert client.data("GET", "/auth/oauth") == [
        {"name": "github", "label": "GitHub", "login": "/api/v1/auth/oauth/github/login"}
    ]
    for unknown in ("google", "oidc", "facebook"):
        gone = visit(client, f"/api/v1/auth/oauth/{unknown}/login").headers["location"]
        assert error_of(gone) == "oauth-missing"
        gone = visit(client, f"/api/v1/auth/oauth/{unknown}/callback?code=x&state=y").headers["location"]
        assert error_of(gone) == "oauth-missing"


def test_what_is_sent_to_the_provider(issuer: OidcServer, client: Client, api_url: str) -> None:
    sent = visit(client, "/api/v1/auth/oauth/oidc/login?next=/usage")
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    assert query["redirect_uri"] == [f"{api_url}/api/v1/auth/oauth/oidc/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert all(len(query[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    [cookie] = [each for each in sent.headers.get_list("set-cookie") if each.startswith("guardian_oauth=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/api/v1/auth/oauth" in cookie
    assert "Max-Age=600" in cookie
    # Nothing of what has to stay here is readable in it.
    assert not any(query[name][0] in cookie for name in ("state", "nonce"))


def test_one_lands_where_one_wanted_to_go(issuer: OidcServer, client: Client) -> None:
    assert through(client, "oidc", "?next=%2Fusage%3Frange%3D7d") == "/usage?range=7d"


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "/\t/evil.test",
        "javascript:alert(1)",
        "\\\\evil.test",
        "/" + "a" * 5_000,
    ],
)
def test_it_never_leads_to_another_site(issuer: OidcServer, client: Client, evil: str) -> None:
    there = client.get("/api/v1/auth/oauth/oidc/login", params={"next": evil}, follow_redirects=False)
    back = client.get(there.headers["location"], follow_redirects=False).headers["location"]
    assert visit(client, back).headers["location"] == HOME


@pytest.mark.parametrize("fault", FAULTS)
def test_an_id_token_that_is_not_right_lets_nobody_in(
    issuer: OidcServer, client: Client, session: Session, fault: str
) -> None:
    issuer.fault = fault
    assert error_of(through(client, "oidc")) == "oauth-token"
    assert not is_signed_in(client)
    assert session.exec(select(User)).all() == []
    issuer.fault = ""
    assert through(client, "oidc") == HOME


def test_rotated_keys_are_read_anew_even_under_an_old_name(
    issuer: OidcServer, client: Client, new_client: MakeClient
) -> None:
    issuer.rotate("first")
    assert through(client, "oidc") == HOME
    issuer.rotate("second")
    assert through(new_client(), "oidc") == HOME
    issuer.rotate("second")
    assert through(new_client(), "oidc") == HOME
    # What is known is not asked for each time.
    assert len([asked for asked in issuer.log if asked.path == "/.well-known/openid-configuration"]) == 1


@pytest.mark.parametrize(("skew", "goes"), [(100, True), (-100, True), (3600, False), (-3600, False)])
def test_clocks_may_differ_a_little(issuer: OidcServer, client: Client, skew: int, goes: bool) -> None:
    issuer.clock_skew = skew
    assert (through(client, "oidc") == HOME) is goes


def test_the_address_may_come_from_the_user_info(issuer: OidcServer, client: Client) -> None:
    issuer.mail_by_userinfo = True
    assert through(client, "oidc") == HOME
    assert client.data("GET", "/auth/session")["user"]["email"] == MAIL


@pytest.mark.parametrize("error", ["access_denied", "server_error", "invalid_client"])
def test_what_the_provider_says_instead_of_a_code_is_told(issuer: OidcServer, client: Client, error: str) -> None:
    issuer.consent = error
    told = {"access_denied": "oauth-denied", "server_error": "oauth-unavailable", "invalid_client": "oauth-setup"}
    assert error_of(through(client, "oidc")) == told[error]
    assert not is_signed_in(client)


@pytest.mark.parametrize("path", ["/token", "/keys"])
def test_a_failing_provider_is_asked_once_more_and_no_oftener(
    issuer: OidcServer, client: Client, new_client: MakeClient, path: str
) -> None:
    issuer.failures[path] = [502]
    assert through(client, "oidc") == HOME
    issuer.rotate()
    issuer.failures[path] = [500] * 9
    asked = len(issuer.log)
    assert error_of(through(new_client(), "oidc")) == {"/token": "oauth-unavailable", "/keys": "oauth-token"}[path]
    assert len([each for each in issuer.log[asked:] if each.path == path]) == 2


def test_a_silent_provider_is_not_waited_for(issuer: OidcServer, client: Client) -> None:
    issuer.slow.add("/token")
    assert error_of(through(client, "oidc")) == "oauth-unavailable"
    assert len([each for each in issuer.log if each.path == "/token"]) == 1


def test_a_provider_that_is_gone_is_said_on_the_page(issuer: OidcServer, client: Client) -> None:
    issuer.failures["/.well-known/openid-configuration"] = [503] * 4
    gone = visit(client, "/api/v1/auth/oauth/oidc/login?next=/usage").headers["location"]
    assert (urlsplit(gone).path, error_of(gone)) == ("/", "oauth-unavailable")


def test_a_wrong_secret_of_ours_is_the_operators_matter(
    issuer: OidcServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "outdated")
    settings.cache_clear()
    assert error_of(through(client, "oidc")) == "oauth-setup"


def test_the_way_back_belongs_to_one_browser_and_works_once(
    issuer: OidcServer, client: Client, new_client: MakeClient
) -> None:
    back = to_provider(client, "oidc")
    thief = new_client()
    assert error_of(visit(thief, back).headers["location"]) == "oauth-state"
    # A browser with a sign-in of its own under way: another's answer is not taken for its own.
    to_provider(thief, "oidc")
    assert error_of(visit(thief, back).headers["location"]) == "oauth-state"
    cookie = client.cookies["guardian_oauth"]
    assert visit(client, back).headers["location"] == HOME
    assert "guardian_oauth" not in client.cookies
    # Replayed with the very cookie, as who copied both could.
    replayed = new_client(cookies={"guardian_oauth": cookie})
    assert error_of(visit(replayed, back).headers["location"]) == "oauth-state"
    assert not is_signed_in(replayed)
    assert not is_signed_in(thief)


@pytest.mark.parametrize("spoil", ["state", "iss", "code", "provider"])
def test_an_answer_that_was_tampered_with_is_refused(issuer: OidcServer, client: Client, spoil: str) -> None:
    back = to_provider(client, "oidc")
    query = parse_qs(urlsplit(back).query)
    changed = {
        "state": back.replace(query["state"][0], "x" * 43),
        "iss": back.replace("iss=http", "iss=https"),
        "code": back.replace(query["code"][0], "forged"),
        "provider": back.replace("/oidc/", "/google/"),
    }[spoil]
    told = {"state": "oauth-state", "iss": "oauth-token", "code": "oauth-token", "provider": "oauth-state"}[spoil]
    assert error_of(visit(client, changed).headers["location"]) == told
    assert not is_signed_in(client)


def test_a_made_up_host_is_not_believed(issuer: OidcServer, client: Client, api_url: str) -> None:
    for headers in ({"host": "evil.test"}, {"host": "evil.test", "x-forwarded-host": "evil.test"}):
        answer = client.get("/api/v1/auth/oauth/oidc/login?next=/usage", headers=headers, follow_redirects=False)
        # To the address that people know, where the cookie can be kept; nothing of it comes from the request's host.
        assert answer.headers["location"] == f"{api_url}/api/v1/auth/oauth/oidc/login?next=/usage"
        assert "set-cookie" not in answer.headers
    forged = client.get(
        "/api/v1/auth/oauth/oidc/login", headers={"x-forwarded-host": "evil.test"}, follow_redirects=False
    )
    assert "evil" not in forged.headers["location"]


def test_a_new_session_at_each_sign_in_ends_the_one_before(
    issuer: OidcServer, client: Client, new_client: MakeClient
) -> None:
    assert through(client, "oidc") == HOME
    planted = client.cookies[COOKIE]
    assert through(client, "oidc") == HOME
    assert client.cookies[COOKIE] != planted
    assert not is_signed_in(new_client(cookies={COOKIE: planted}))
    assert is_signed_in(client)


# Who is joined with whom


def test_a_verified_address_on_both_sides_joins(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session
) -> None:
    mine = client.sign_up(MAIL)["user"]["id"]
    verified()
    assert through(new_client(), "oidc") == HOME
    assert session.exec(select(Account.user_id)).one() == mine
    assert [each.subject for each in session.exec(select(EmailLog).where(EmailLog.kind == "security"))] == [
        "Acme SSO can sign you in now"
    ]


def test_an_address_that_was_never_verified_here_is_not_joined(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session
) -> None:
    """Whoever signed up with a stranger's address and waits must not get the stranger as a guest."""
    client.sign_up(MAIL)
    assert error_of(through(new_client(), "oidc")) == "oauth-link"
    assert session.exec(select(Account)).all() == []


@pytest.mark.parametrize("claim", [{"email_verified": False}, {"email_verified": "no"}, {"email": None}])
@pytest.mark.parametrize("known", [True, False])
def test_an_address_that_the_provider_did_not_verify_is_nobodys(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session, claim: dict[str, object], known: bool
) -> None:
    if known:
        client.sign_up(MAIL)
        verified()
    issuer.person |= claim
    assert error_of(through(new_client(), "oidc")) == "oauth-mail"
    assert session.exec(select(Account)).all() == []


@pytest.mark.parametrize(
    "emails", [[], [{"email": MAIL, "primary": True, "verified": False}], [{"email": MAIL, "verified": True}]]
)
def test_githubs_unverified_address_is_nobodys(github: GitHubServer, client: Client, emails: list[object]) -> None:
    github.emails = emails
    assert error_of(through(client, "github")) == "oauth-mail"


@pytest.mark.parametrize("fault", ["bad-code", "no-id"])
def test_github_that_answers_wrongly_lets_nobody_in(github: GitHubServer, client: Client, fault: str) -> None:
    github.fault = fault
    assert error_of(through(client, "github")) == "oauth-token"


def test_another_subject_with_the_same_address_is_another_person(
    issuer: OidcServer, client: Client, new_client: MakeClient
) -> None:
    """Addresses are given to new people when old ones leave."""
    assert through(client, "oidc") == HOME
    issuer.person["sub"] = "somebody-new"
    assert error_of(through(new_client(), "oidc")) == "oauth-link"


# Linking by hand


def link(client: Client, provider: str = "oidc") -> str:
    location = client.data("POST", f"/auth/oauth/{provider}/link")["location"]
    return str(visit(client, to_provider(client, provider, location.partition("/login")[2])).headers["location"])


def test_who_is_signed_in_links_and_unlinks(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up("somebody@else.test")
    assert link(client) == "/settings?linked=oidc#security"
    ways = client.data("GET", "/auth/oauth/identities")
    assert [(each["provider"], each["linked"], each["email"]) for each in ways["identities"]] == [
        ("google", False, None),
        ("oidc", True, MAIL),
    ]
    assert through(new_client(), "oidc") == HOME
    client.data("DELETE", "/auth/oauth/oidc")
    client.failure("DELETE", "/auth/oauth/oidc", 404)
    actions = [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]
    assert [each for each in actions if each.startswith("ACCOUNT")] == [
        "ACCOUNT_LINK_BEGIN",
        "ACCOUNT_LINK",
        "ACCOUNT_UNLINK",
    ]


def test_the_last_way_in_stays(issuer: OidcServer, client: Client) -> None:
    assert through(client, "oidc") == HOME
    refused = client.failure("DELETE", "/auth/oauth/oidc", 409)
    assert "last way" in refused["error"]
    assert link(client, "google").startswith("/settings?linked=google")
    client.data("DELETE", "/auth/oauth/oidc")
    client.failure("DELETE", "/auth/oauth/google", 409)


def test_an_identity_belongs_to_one_person(issuer: OidcServer, client: Client, new_client: MakeClient) -> None:
    assert through(new_client(), "oidc") == HOME
    client.sign_up("somebody@else.test")
    gone = link(client)
    assert (urlsplit(gone).path, error_of(gone)) == ("/settings", "oauth-taken")


def test_a_link_needs_the_session_that_asked_for_it(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up("somebody@else.test")
    location = client.data("POST", "/auth/oauth/oidc/link")["location"]
    stranger = new_client()
    assert error_of(visit(stranger, location).headers["location"]) == "oauth-other"
    stranger.sign_up("eve@evil.test")
    assert error_of(visit(stranger, location).headers["location"]) == "token"
    # Without a ticket the visit is a sign-in: another site cannot make it a link.
    back = to_provider(client, "oidc", location.partition("/login")[2])
    client.data("POST", "/auth/logout")
    assert error_of(visit(client, back).headers["location"]) == "oauth-other"
    assert session.exec(select(Account)).all() == []


def test_an_access_token_changes_nobodys_way_in(issuer: OidcServer, client: Client, new_client: MakeClient) -> None:
    client.sign_up()
    token = client.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})["secret"]
    program = new_client(headers={"authorization": f"Bearer {token}"})
    for method, path in (
        ("POST", "/auth/oauth/oidc/link"),
        ("DELETE", "/auth/oauth/oidc"),
        ("POST", "/auth/second-factor"),
    ):
        program.failure(method, path, 403)


# What an organization asks for


def test_an_organization_asks_its_domains_members_for_one_way(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session
) -> None:
    client.sign_up(MAIL)
    client.failure("PUT", "/organization/sign-in", 400, json={"provider": "oidc"})
    execute("UPDATE organizations SET domain = 'acme.test'")
    execute("UPDATE users SET role = 'USER'")
    assert (
        "lock yourself out" in client.failure("PUT", "/organization/sign-in", 400, json={"provider": "oidc"})["error"]
    )
    client.failure("PUT", "/organization/sign-in", 400, json={"provider": "facebook"})
    assert link(client).startswith("/settings?linked")
    rule = client.data("PUT", "/organization/sign-in", json={"provider": "oidc"})
    assert rule == {"domain": "acme.test", "provider": "oidc"} == client.data("GET", "/organization/sign-in")

    other = new_client()
    credentials = {"email": MAIL, "password": PASSWORD}
    refused = other.failure("POST", "/auth/login", 403, json=credentials)
    assert refused["error"] == "Your organization asks its members to sign in with Acme SSO."
    assert error_of(other.post("/auth/login", data=credentials).headers["location"]) == "require-oidc"
    # A wrong password learns nothing.
    other.failure("POST", "/auth/login", 401, json={**credentials, "password": "wrong"})
    assert error_of(through(other, "google")) in ("require-oidc", "oauth-link")
    assert through(other, "oidc") == HOME
    assert client.failure("DELETE", "/auth/oauth/oidc", 409)["error"].startswith("Your organization")

    # Who runs the installation has a way back, and so has everybody once the rule is gone.
    execute("UPDATE users SET role = 'SUPER_ADMIN'")
    other.data("POST", "/auth/login", json=credentials)
    execute("UPDATE users SET role = 'USER'")
    client.data("PUT", "/organization/sign-in", json={"provider": None})
    other.data("POST", "/auth/login", json=credentials)


def test_the_way_that_is_asked_for_is_with_an_address_of_the_domain(
    issuer: OidcServer, client: Client, new_client: MakeClient, session: Session
) -> None:
    """Who has left, and no longer has the company's identity, does not get in with one of their own."""
    client.sign_up(MAIL)
    verified()
    execute("UPDATE users SET role = 'USER'")
    execute("UPDATE organizations SET domain = 'acme.test'")
    issuer.person |= {"sub": "private", "email": "ada@private.test"}
    assert link(client).startswith("/settings?linked")
    refused = client.failure("PUT", "/organization/sign-in", 400, json={"provider": "oidc"})
    assert "lock yourself out" in refused["error"]
    execute("""UPDATE organizations SET settings = '{"requireSignInWith": "oidc"}'""")
    assert error_of(through(new_client(), "oidc")) == "require-address"
    issuer.person |= {"email": MAIL, "email_verified": False}
    assert error_of(through(new_client(), "oidc")) == "require-address"
    # The company's identity takes the place of the private one, also for who is signed out by now.
    issuer.person |= {"sub": "company", "email_verified": True}
    assert through(new_client(), "oidc") == HOME
    assert session.exec(select(Account.email)).all() == [MAIL]


def test_what_would_not_get_in_is_not_linked(issuer: OidcServer, client: Client, session: Session) -> None:
    client.sign_up(MAIL)
    execute("UPDATE users SET role = 'USER'")
    execute("""UPDATE organizations SET domain = 'acme.test', settings = '{"requireSignInWith": "oidc"}'""")
    issuer.person["email"] = "ada@private.test"
    assert error_of(link(client)) == "require-address"
    assert link(client, "google").startswith("/settings?linked")
    assert session.exec(select(Account.provider)).all() == ["google"]


def test_guests_of_an_organization_sign_in_as_they_like(issuer: OidcServer, client: Client) -> None:
    client.sign_up("guest@elsewhere.test")
    execute("""UPDATE organizations SET domain = 'acme.test', settings = '{"requireSignInWith": "oidc"}'""")
    execute("UPDATE users SET role = 'USER'")
    client.data("POST", "/auth/login", json={"email": "guest@elsewhere.test", "password": PASSWORD})


def test_nobody_sees_or_takes_away_what_is_another_persons(
    issuer: OidcServer, sign_in: SignIn, people: People, session: Session
) -> None:
    session.add(Account(user_id=people.alice.user_id, provider="oidc", provider_account_id="1", last_used_at=utcnow()))
    session.commit()
    bob = sign_in(people.bob)
    assert not any(each["linked"] for each in bob.data("GET", "/auth/oauth/identities")["identities"])
    bob.failure("DELETE", "/auth/oauth/oidc", 404)
    assert session.exec(select(BrowserSession.method)).all() == ["password"]
