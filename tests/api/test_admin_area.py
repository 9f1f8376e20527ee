"""The installation over REST: organizations and their plans, people, keys, mail and how it runs, for who runs it."""

from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.api.steps import COOKIE
from guardian.crypto import hash_token
from guardian.errors import SignInRefused
from guardian.gateway.sending import Breaker
from guardian.models import ApiKey, EmailLog, SyncRun, User
from guardian.models.enums import DeliveryStatus, KeyStatus, Provider, SyncStatus, SyncTrigger
from guardian.periods import utcnow
from guardian.services.people.access.callers import callers_of
from guardian.services.people.access.problems import sentence
from guardian.services.people.access.sessions import actor_for_user
from guardian.services.people.mail import note_failure, queue_mail
from guardian.telemetry import Figures, Reporter
from tests.api.conftest import PASSWORD, Client, MakeClient, SignIn, execute
from tests.conftest import People


@pytest.fixture
def admin(sign_in: SignIn, people: People) -> Client:
    execute("UPDATE users SET role = 'SUPER_ADMIN' WHERE id = :id", id=people.alice.user_id)
    return sign_in(people.alice)


def names(client: Client, path: str, name: str = "name") -> list[str]:
    return [each[name] for each in client.data("GET", path)]


def test_organizations_are_found_in_pages(admin: Client, people: People) -> None:
    # Newest first; what was made in one millisecond has an order all the same, that of its ids.
    ids = {"Acme": people.alice.organization_id, "Globex": people.charlie.organization_id}
    newest, oldest = sorted(ids, key=lambda name: ids[name], reverse=True)
    assert names(admin, "/admin/organizations") == [newest, oldest]
    assert names(admin, "/admin/organizations?search=GLOB") == ["Globex"]
    assert names(admin, "/admin/organizations?search=100%25") == []
    first = admin.get("/api/v1/admin/organizations?limit=1").json()
    assert [each["name"] for each in first["data"]] == [newest]
    assert names(admin, f"/admin/organizations?limit=1&cursor={first['metadata']['nextCursor']}") == [oldest]
    acme = admin.data("GET", f"/admin/organizations/{people.alice.organization_id}")
    assert (acme["members"], acme["keys"], Decimal(acme["spend"]), acme["unpricedTokens"]) == (2, 0, Decimal(0), 0)
    admin.failure("GET", "/admin/organizations?cursor=;", 400)
    admin.failure("GET", "/admin/organizations/nothing", 404)


def test_people_are_found_by_what_one_knows_of_them(admin: Client, people: People) -> None:
    everybody = sorted((people.alice, people.bob, people.charlie), key=lambda actor: actor.user_id, reverse=True)
    assert names(admin, "/admin/users", "email") == [actor.email for actor in everybody]
    assert names(admin, "/admin/users?search=globex", "email") == ["charlie@example.com"]
    assert names(admin, "/admin/users?role=SUPER_ADMIN", "email") == ["alice@example.com"]
    [alice] = admin.data("GET", "/admin/users?search=alice")
    assert (alice["organizations"], alice["sessions"], alice["secondFactor"]) == (["Acme"], 1, False)


def test_roles_are_given_but_not_to_oneself(admin: Client, bob: Client, people: People) -> None:
    bob.failure("GET", "/admin/users", 403)
    line = admin.data("PATCH", f"/admin/users/{people.bob.user_id}", json={"role": "SUPER_ADMIN"})
    assert line["role"] == "SUPER_ADMIN"
    assert len(bob.data("GET", "/admin/users")) == 3
    given = admin.data("GET", "/activity?action=USER_ROLE")[0]
    assert (given["before"], given["after"]) == ({"role": "USER"}, {"role": "SUPER_ADMIN"})
    admin.failure("PATCH", f"/admin/users/{people.alice.user_id}", 409, json={"role": "USER"})


def test_a_person_is_signed_out_everywhere(admin: Client, charlie: Client, people: People) -> None:
    charlie.data("GET", "/auth/session")
    assert admin.data("DELETE", f"/admin/users/{people.charlie.user_id}/sessions") == {"ended": 1}
    charlie.failure("GET", "/auth/session", 401)
    assert admin.data("DELETE", f"/admin/users/{people.charlie.user_id}/sessions") == {"ended": 0}


def test_the_confirmation_is_mailed_again(admin: Client, people: People) -> None:
    path = f"/admin/users/{people.charlie.user_id}/confirmation"
    execute("UPDATE users SET email_verified = NULL WHERE id = :id", id=people.charlie.user_id)
    admin.data("POST", path)
    with db.session() as session:
        assert session.exec(select(EmailLog.to).where(EmailLog.kind == "verify")).one() == "charlie@example.com"
    execute("UPDATE users SET email_verified = now()")
    admin.failure("POST", path, 409)


def test_nobody_works_in_a_disabled_organization_until_it_is_enabled(
    admin: Client, charlie: Client, new_client: MakeClient, people: People
) -> None:
    made = charlie.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api", "gateway"]})
    holder = new_client(headers={"authorization": f"Bearer {made['secret']}"})
    path = f"/admin/organizations/{people.charlie.organization_id}"
    charlie.failure("POST", f"{path}/disable", 403, json={"reason": "They do not pay."})
    admin.failure("POST", f"{path}/disable", 400, json={"reason": "why"})
    admin.failure("POST", f"{path}/enable", 409)
    line = admin.data("POST", f"{path}/disable", json={"reason": "They do not pay."})
    assert (line["disabledAt"] is not None, line["disabledReason"]) == (True, "They do not pay.")
    admin.failure("POST", f"{path}/disable", 409, json={"reason": "They do not pay."})
    charlie.failure("GET", "/auth/session", 401)
    holder.failure("GET", "/keys", 401)
    with db.session() as session:
        assert callers_of(session, [hash_token(made["secret"])]) == {}
        with pytest.raises(SignInRefused, match="disabled"):
            actor_for_user(session, people.charlie.user_id)
    told = admin.data("GET", "/activity?action=ORGANIZATION_DISABLE")[0]
    assert (told["before"]["disabledReason"], told["after"]["disabledReason"]) == (None, "They do not pay.")
    assert admin.data("POST", f"{path}/enable")["disabledAt"] is None
    charlie.data("GET", "/auth/session")
    holder.data("GET", "/keys")
    own = f"/admin/organizations/{people.alice.organization_id}/disable"
    admin.failure("POST", own, 409, json={"reason": "They do not pay."})


def test_who_signs_in_to_a_disabled_organization_is_told_so(
    admin: Client, new_client: MakeClient, session: Session
) -> None:
    new_client().sign_up("ada@acme.test")
    ada = session.exec(select(User).where(User.email == "ada@acme.test")).one()
    path = f"/admin/organizations/{ada.organization_id}"
    admin.data("POST", f"{path}/disable", json={"reason": "They do not pay."})
    who = {"email": "ada@acme.test", "password": PASSWORD}
    stranger = new_client()
    said = stranger.failure("POST", "/auth/login", 403, json=who)
    assert (said["code"], said["details"]) == ("SIGN_IN_REFUSED", {"reason": "disabled"})
    answer = stranger.post("/auth/login", data=who)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["error"] == ["disabled"]
    assert sentence("disabled") == "Your organization is disabled: nothing is deleted. Ask who runs this installation."
    assert COOKIE not in stranger.cookies
    # A wrong password tells nobody anything about the organization.
    stranger.failure("POST", "/auth/login", 401, json={**who, "password": "guess guess"})
    # A new password is no way in, and no reason to refuse the link either.
    stranger.data("POST", "/auth/password/forgot", json={"email": "ada@acme.test"})
    [mail] = session.exec(select(EmailLog).where(EmailLog.kind == "reset"))
    link = next(word for word in str((mail.payload or {})["text"]).split() if "/reset-password?" in word)
    again = {**who, "password": "n3w pass word"}
    changed = {"token": link.partition("token=")[2], "password": again["password"]}
    stranger.data("POST", "/auth/password/reset", json=changed)
    stranger.failure("POST", "/auth/login", 403, json=again)
    admin.data("POST", f"{path}/enable")
    stranger.data("POST", "/auth/login", json=again)


def test_who_signs_in_works_where_they_can(admin: Client, client: Client, session: Session) -> None:
    """Both of one's organizations are disabled, and then the one is enabled in which one did not work last."""
    client.sign_up("ada@acme.test")
    first = client.data("GET", "/organization")["id"]
    second = client.data("POST", "/organizations", 201, json={"name": "Second"})["id"]
    for each in (first, second):
        admin.data("POST", f"/admin/organizations/{each}/disable", json={"reason": "They do not pay."})
    who = {"email": "ada@acme.test", "password": PASSWORD}
    client.failure("POST", "/auth/login", 403, json=who)
    admin.data("POST", f"/admin/organizations/{first}/enable")
    signed_in = client.data("POST", "/auth/login", json=who)
    assert signed_in["user"]["organization"]["id"] == first


def test_who_has_another_organization_works_there(admin: Client, charlie: Client, people: People) -> None:
    charlie.data("POST", "/organizations", 201, json={"name": "Second"})
    second = charlie.data("GET", "/organization")["id"]
    admin.data("POST", f"/admin/organizations/{second}/disable", json={"reason": "They do not pay."})
    assert charlie.data("GET", "/auth/session")["user"]["organization"]["name"] == "Globex"
    assert "Second" not in charlie.get("/api/v1/organizations").text
    charlie.failure("POST", f"/organizations/{second}/switch", 404)


@pytest.fixture
def keys(session: Session, people: People) -> list[str]:
    """Two keys, of which the provider refuses one after a pull that failed; their ids."""
    rows = [
        ApiKey(
            provider=provider,
            encrypted_key="00",
            iv="00",
            tag="00",
            hint="abcd",
            label=label,
            status=status,
            user_id=who.user_id,
            organization_id=who.organization_id,
        )
        for provider, label, status, who in (
            (Provider.OPENAI, "good", KeyStatus.ACTIVE, people.alice),
            (Provider.ANTHROPIC, "bad", KeyStatus.REJECTED, people.charlie),
        )
    ]
    session.add_all(rows)
    session.flush()
    now = utcnow()
    for row, status, error in ((rows[0], SyncStatus.FINISHED, None), (rows[1], SyncStatus.FAILED, "The key is wrong.")):
        session.add(
            SyncRun(
                organization_id=row.organization_id or "",
                api_key_id=row.id,
                trigger=SyncTrigger.SCHEDULE,
                status=status,
                window_start=now - timedelta(days=1),
                window_end=now,
                finished_at=now,
                failures=0 if error is None else 3,
                error=error,
            )
        )
    session.commit()
    return [row.id for row in rows]


def test_keys_of_every_provider_with_what_is_wrong(admin: Client, keys: list[str]) -> None:
    lines = {each["provider"]: each for each in admin.data("GET", "/admin/providers")}
    assert {name: (line["keys"], line["troubled"], line["rejected"]) for name, line in lines.items()} == {
        "ANTHROPIC": (1, 1, 1),
        "OPENAI": (1, 0, 0),
    }
    assert lines["OPENAI"]["lastPull"] is not None
    assert lines["ANTHROPIC"]["lastPull"] is None
    [bad] = admin.data("GET", "/admin/keys?troubled=true")
    assert (bad["organization"], bad["name"], bad["status"], bad["failures"], bad["error"]) == (
        "Globex",
        "bad",
        "rejected",
        3,
        "The key is wrong.",
    )
    assert bad["restsUntil"] is None
    assert names(admin, "/admin/keys?provider=OPENAI") == ["good"]
    # Both were made in the same millisecond, within which ids have no order.
    assert sorted(names(admin, "/admin/keys")) == ["bad", "good"]


def test_a_key_that_a_gateway_leaves_alone_is_told(admin: Client, keys: list[str]) -> None:
    figures, breaker = Figures(), Breaker()
    figures.resting = breaker.resting
    for _try in range(5):
        breaker.note(keys[1], failed=True)
    gateway = Reporter("gateway", figures)
    gateway.write()
    rests = {each["name"]: each["restsUntil"] for each in admin.data("GET", "/admin/keys")}
    assert rests["good"] is None
    assert datetime.fromisoformat(rests["bad"]) > utcnow()
    breaker.note(keys[1], failed=False)
    gateway.write()
    assert [each["restsUntil"] for each in admin.data("GET", "/admin/keys")] == [None, None]
    gateway.close()


@pytest.fixture
def mails(session: Session, people: People) -> dict[str, str]:
    """One mail that waits for its next try, and two that were given up, of which one may be sent again; their ids."""
    found: dict[str, str] = {}
    for kind, permanent in (("report", False), ("key", True), ("reset", True)):
        row = queue_mail(session, to=f"{kind}@example.com", subject=f"About {kind}", text="secret text", kind=kind)
        session.commit()
        row.attempts, row.status = 1, DeliveryStatus.SENDING
        note_failure(session, row.id, "550 no such mailbox", permanent=permanent)
        session.commit()
        found[kind] = row.id
    return found


def test_the_mail_log_tells_causes_and_no_text(admin: Client, mails: dict[str, str]) -> None:
    failed = admin.data("GET", "/admin/mail?status=FAILED")
    assert [(each["kind"], each["error"], each["canRetry"]) for each in failed] == [
        ("reset", "550 no such mailbox", False),
        ("key", "550 no such mailbox", True),
    ]
    assert names(admin, "/admin/mail?search=report@", "kind") == ["report"]
    assert "secret text" not in admin.get("/api/v1/admin/mail").text


def test_a_mail_is_tried_again_unless_its_text_is_gone(admin: Client, mails: dict[str, str]) -> None:
    for kind in ("report", "key"):
        line = admin.data("POST", f"/admin/mail/{mails[kind]}/retry")
        assert (line["status"], line["notBefore"], line["attempts"]) == ("PENDING", None, 0)
    assert "sent anew" in admin.failure("POST", f"/admin/mail/{mails['reset']}/retry", 409)["error"]
    execute("UPDATE email_logs SET status = 'SENT' WHERE id = :id", id=mails["key"])
    admin.failure("POST", f"/admin/mail/{mails['key']}/retry", 409)
    admin.failure("POST", "/admin/mail/nothing/retry", 404)


def test_how_it_runs(admin: Client, keys: list[str], mails: dict[str, str]) -> None:
    found = admin.data("GET", "/admin/monitoring")
    assert found["database"]["sizeBytes"] > 0
    assert found["database"]["connections"] >= 1
    assert len(found["database"]["largest"]) == 8
    assert found["redis"]["memoryBytes"] > 0
    assert found["syncs"] == {"queued": 0, "running": 0, "finished": 1, "failed": 1, "troubledKeys": 1}
    assert (found["mailsWaiting"], found["mailsFailed"]) == (1, 2)
    health = admin.data("GET", "/admin/health")
    words = {each["name"]: each["word"] for each in health["checks"]}
    # No process of an installation runs here.
    assert (health["word"], words["Database"], words["Gateway"], words["Pulls"], words["Mail"]) == (
        "bad",
        "ok",
        "bad",
        "warn",
        "warn",
    )


def test_an_impersonation_is_seen_and_stopped(admin: Client, sign_in: SignIn, people: People) -> None:
    other = sign_in(people.alice)
    other.post("/auth/impersonation", data={"userId": people.charlie.user_id, "reason": "To look at a budget."})
    [found] = admin.data("GET", "/admin/impersonations")
    assert (found["email"], found["impersonator"]) == ("charlie@example.com", "alice@example.com")
    admin.data("DELETE", f"/admin/impersonations/{found['id']}")
    assert admin.data("GET", "/admin/impersonations") == []


def test_models_without_a_price_are_counted_over_all(admin: Client) -> None:
    assert admin.data("GET", "/admin/unpriced") == []
