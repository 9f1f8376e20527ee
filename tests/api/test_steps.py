"""The seven steps at their edges: ids, limits, bodies, foreign pages, tokens, and paths that do not exist."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from guardian import queue
from guardian.api.requests.bodies import MAX_BODY_BYTES
from guardian.api.steps import COOKIE, PER_CREDENTIAL, call
from guardian.limits import Limit
from tests.api.conftest import Client, MakeClient
from tests.api.ingest.making import event
from tests.conftest import forget_caches


@pytest.mark.parametrize("given", ["abc-123", "x" * 128, "a/b+c=="])
def test_a_callers_request_id_is_kept(client: Client, given: str) -> None:
    for path in ("/health/live", "/api/v1/keys", "/api/nothing", "/metrics"):
        assert client.get(path, headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "tab\there", "é".encode().decode("latin-1")])
def test_an_unusable_request_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/api/v1/keys", headers={"x-request-id": given.encode("latin-1")})
    made = answer.headers["x-request-id"]
    assert made != given
    assert len(made) == 36
    assert answer.json()["requestId"] == made


def test_unknown_routes_are_answered_in_json(client: Client) -> None:
    for path in ("/nothing", "/keys/1/2/3", ""):
        assert client.failure("GET", path, 404)["code"] == "NOT_FOUND"
    answer = client.get("/api/v2/keys")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_wrong_method_says_which_are_right(client: Client) -> None:
    assert client.failure("PUT", "/keys", 405)["code"] == "METHOD_NOT_ALLOWED"
    assert client.answers[-1].headers["allow"] == "GET, POST"


def test_a_body_has_a_bound(alice: Client) -> None:
    for content in (b" " * (MAX_BODY_BYTES + 1), iter([b" " * 700_000] * 2)):
        answer = alice.patch("/api/v1/organization", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_a_body_must_be_json(alice: Client) -> None:
    body = alice.failure("PATCH", "/organization", 415, data={"name": "Acme"})
    assert body["code"] == "UNSUPPORTED_MEDIA_TYPE"
    alice.data(
        "PATCH", "/organization", content=b'{"name":"A"}', headers={"content-type": "application/json; charset=utf-8"}
    )


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"", b'{"name": "a\\u0000b"}', b'{"name": "\\ud800"}'])
def test_odd_bodies_are_wrong_input(alice: Client, body: bytes) -> None:
    alice.failure("PATCH", "/organization", 400, content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize("id", ["%00", "..%2F..", "c" * 5_000, "%F0%9F%92%A9"])
def test_odd_ids_are_never_a_fault_of_ours(alice: Client, id: str) -> None:
    for path in ("keys", "usage", "jobs"):
        assert alice.get(f"/api/v1/{path}/{id}").status_code in (400, 404)


@pytest.mark.parametrize("headers", [{"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}])
def test_a_foreign_page_cannot_act_with_our_cookie(alice: Client, headers: dict[str, str]) -> None:
    body = alice.failure("PATCH", "/organization", 403, json={"name": "Owned"}, headers=headers)
    assert body["code"] == "AUTHZ_ERROR"
    # Reading changes nothing, and without CORS the foreign page cannot see it.
    assert alice.data("GET", "/organization", headers=headers)["name"] == "Acme"
    assert not any(name.startswith("access-control") for name in alice.answers[-1].headers)


def test_an_access_token_needs_no_origin(alice: Client, new_client: MakeClient) -> None:
    secret = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})["secret"]
    script = new_client(headers={"authorization": f"Bearer {secret}", "origin": "https://tool.test"})
    assert script.data("PATCH", "/organization", json={"name": "By token"})["name"] == "By token"


def test_a_wrong_token_is_not_saved_by_a_good_cookie(alice: Client) -> None:
    for header in ("Bearer gdn_wrong", "Bearer", "Basic YTpi", "gdn_wrong"):
        alice.failure("GET", "/organization", 401, headers={"authorization": header})


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Make one limit so small that a test reaches it."""

    def make(name: str, count: int) -> None:
        old: Limit = getattr(call, name)
        monkeypatch.setattr(call, name, replace(old, count=count))

    return make


def test_an_address_that_asks_too_often_waits(
    alice: Client, client: Client, strict: Callable[[str, int], None]
) -> None:
    strict("PER_ADDRESS", 3)
    answers = [alice.get("/api/v1/organization").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    body = client.failure("GET", "/organization", 429)
    assert (body["code"], body["error"]) == ("RATE_LIMIT", "Rate limit exceeded")
    wait = int(client.answers[-1].headers["retry-after"])
    assert body["retryAfter"] == body["details"]["retryAfter"] == wait
    assert 1 <= wait <= 80  # a window, and until the first call of it weighs nothing


def test_each_credential_has_a_limit_of_its_own(alice: Client, bob: Client) -> None:
    key = hashlib.sha256(alice.cookies[COOKIE].encode()).hexdigest()[:32]
    queue.connection().set(f"limit:{{{PER_CREDENTIAL.name}:{key}}}", PER_CREDENTIAL.count - 1, ex=120)
    alice.data("GET", "/organization")
    alice.failure("GET", "/organization", 429)
    bob.data("GET", "/organization")


def test_each_person_has_a_limit_over_all_their_tokens(
    alice: Client, new_client: MakeClient, bob: Client, strict: Callable[[str, int], None]
) -> None:
    secrets = [alice.data("POST", "/tokens", 201, json={"name": f"n{n}", "scopes": ["api"]})["secret"] for n in (1, 2)]
    strict("PER_USER", 5)  # of which making the two has taken two
    statuses = [
        new_client(headers={"authorization": f"Bearer {secrets[n % 2]}"}).get("/api/v1/keys").status_code
        for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]
    bob.data("GET", "/organization")


def test_all_that_a_known_credential_is_counted_under_is_one_trip(alice: Client) -> None:
    alice.data("GET", "/organization")
    asked = _scripts_run()
    alice.data("GET", "/organization")
    assert _scripts_run() == asked + 1


def _scripts_run() -> int:
    found = queue.connection().info("commandstats")
    return sum(found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


def test_a_revoked_token_takes_nothing_of_its_owners_share(
    alice: Client, new_client: MakeClient, strict: Callable[[str, int], None]
) -> None:
    made = alice.data("POST", "/tokens", 201, json={"name": "n", "scopes": ["api"]})
    script = new_client(headers={"authorization": f"Bearer {made['secret']}"})
    strict("PER_USER", 6)
    script.data("GET", "/organization")
    alice.data("DELETE", f"/tokens/{made['id']}")
    assert {script.get("/api/v1/organization").status_code for _ in range(10)} == {401}
    # Making, asking, revoking, and the one request that found out.
    assert [alice.get("/api/v1/organization").status_code for _ in range(3)] == [200, 200, 429]


def test_every_answer_tells_what_is_left(alice: Client, client: Client, strict: Callable[[str, int], None]) -> None:
    strict("PER_ADDRESS", 40)
    seen: list[int] = []
    for asked in (
        alice.get("/api/v1/organization"),
        alice.get("/api/v1/budgets/nothing"),
        client.get("/api/v1/organization"),
        client.post("/api/v1/auth/login", json={"email": 5}),
        alice.get("/api/v1/keys?nothing=1"),
        alice.get("/api/v1/keys", headers={"accept": "text/html"}),
        alice.get("/api/v1/no/such/route"),
        alice.put("/api/v1/keys"),
    ):
        assert asked.headers["ratelimit-limit"] == "40", asked.url
        assert 1 <= int(asked.headers["ratelimit-reset"]) <= 60
        seen.append(int(asked.headers["ratelimit-remaining"]))
    assert seen == list(range(39, 39 - len(seen), -1))
    for _ in range(40):
        last = alice.get("/api/v1/organization")
    assert (last.status_code, last.headers["ratelimit-remaining"]) == (429, "0")
    assert last.headers["retry-after"] == last.headers["ratelimit-reset"]


def test_telling_usage_tells_what_is_left_too(alice: Client) -> None:
    for body, status in ((event(), 200), ({}, 400)):
        answer = alice.post("/api/v1/usage", json=body)
        assert answer.status_code == status
        assert int(answer.headers["ratelimit-remaining"]) < int(answer.headers["ratelimit-limit"])


def test_signing_in_has_a_stricter_limit(client: Client) -> None:
    answer = client.post("/api/v1/auth/login", json={"email": "a@b.test", "password": "x"})
    assert int(answer.headers["ratelimit-limit"]) < PER_CREDENTIAL.count / 10


def test_guessing_tokens_is_limited_by_address(new_client: MakeClient, strict: Callable[[str, int], None]) -> None:
    strict("PER_ADDRESS", 5)
    guesser = new_client()
    statuses = [guesser.get("/api/v1/keys", headers={"authorization": f"Bearer gdn_{n}"}).status_code for n in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_a_stopped_redis_does_not_stop_the_api(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget_caches()
    assert alice.data("GET", "/organization")["name"] == "Acme"
    body = alice.get("/health/ready").json()
    assert body["details"] == {"database": "ok", "redis": "Redis does not answer."}


def test_the_cookie_of_one_person_is_not_good_for_another(alice: Client, bob: Client) -> None:
    assert alice.cookies[COOKIE] != bob.cookies[COOKIE]
    assert alice.data("GET", "/auth/session")["user"]["email"] == "alice@example.com"
    assert bob.data("GET", "/auth/session")["user"]["email"] == "bob@example.com"


def test_a_gateway_or_ingest_token_opens_nothing_else(alice: Client, new_client: MakeClient) -> None:
    for scope in ("gateway", "ingest"):
        secret = alice.data("POST", "/tokens", 201, json={"name": scope, "scopes": [scope]})["secret"]
        script = new_client(headers={"authorization": f"Bearer {secret}"})
        for path in ("/keys", "/usage", "/organization", "/activity", "/tokens", "/auth/sessions", "/auth/session"):
            assert script.failure("GET", path, 403)["code"] == "AUTHZ_ERROR"
