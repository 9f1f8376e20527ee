"""ETags on what is read, 304 for who has it already, and If-Match against changes that somebody else has made since."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from guardian import db
from guardian.api.answers.versions import etag, is_known, versions_in
from guardian.api.steps import COOKIE
from guardian.jobs.key_uses import _write
from guardian.models import ApiKey
from tests.api.conftest import Client, MakeClient
from tests.api.routes import NEW_ALERT, NEW_BUDGET, NEW_CHANNEL, NEW_PRICE, NEW_VIEW
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider

MADE = {
    "/budgets": NEW_BUDGET,
    "/alerts": NEW_ALERT,
    "/channels": NEW_CHANNEL,
    "/views": NEW_VIEW,
    "/keys": {"provider": "OPENAI", "key": ADMIN_KEY, "label": "main"},
}
CHANGE = {"/keys": {"label": "third"}}


@pytest.fixture
def make(alice: Client, fake: FakeProvider) -> Callable[[str], str]:
    """A thing of that list; its path."""
    return lambda path: f"{path}/{alice.data('POST', path, 201, json=MADE[path])['id']}"


@pytest.mark.parametrize(
    "path", ["/organization", "/usage/summary?bucket=day", "/keys/providers", "/budgets", "/activity?limit=5"]
)
def test_who_has_it_already_gets_no_body(alice: Client, path: str) -> None:
    first = alice.get(f"/api/v1{path}")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = alice.get(f"/api/v1{path}", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), known
        assert again.headers["ratelimit-limit"]
    other = alice.get(f"/api/v1{path}", headers={"if-none-match": '"other"'})
    assert (other.status_code, other.headers["etag"]) == (200, tag)


def test_a_tag_changes_with_what_it_stands_for(alice: Client, make: Callable[[str], str]) -> None:
    before = alice.get("/api/v1/budgets").headers["etag"]
    path = make("/budgets")
    after = alice.get("/api/v1/budgets").headers["etag"]
    assert before != after
    one = alice.get(f"/api/v1{path}").headers["etag"]
    alice.data("PATCH", path, json={"name": "third"})
    assert alice.get(f"/api/v1{path}").headers["etag"] != one


def test_a_tag_tells_the_data_and_where_it_goes_on() -> None:
    body = b'{"success":true,"data":[1],"metadata":{"timestamp":"%b","requestId":"%b","nextCursor":%b}}'
    first = etag(body % (b"1", b"a", b"null"), None)
    assert first == etag(body % (b"2", b"b", b"null"), None)
    assert first != etag(body % (b"1", b"a", b'"next"'), None)
    assert first != etag(body % (b"1", b"a", b"null"), "f")
    trick = b'{"success":true,"data":",\\"metadata\\":","metadata":{"requestId":",\\"metadata\\":{"}}'
    assert etag(trick, None) == etag(trick, None)
    assert not is_known(first, None)
    assert versions_in('W/"a.b", "c.d"') == {"a", "c"}
    assert versions_in("*") is None
    assert versions_in("nonsense") == frozenset()


@pytest.mark.parametrize("path", list(MADE))
def test_a_change_under_an_old_version_is_refused(alice: Client, make: Callable[[str], str], path: str) -> None:
    one, change = make(path), CHANGE.get(path, {"name": "third"})
    tag = alice.get(f"/api/v1{one}").headers["etag"]
    alice.data("PATCH", one, json=change, headers={"if-match": tag})
    newer = alice.answers[-1].headers["etag"]
    for method, body in (("PATCH", change), ("DELETE", None)):
        refused = alice.failure(method, one, 412, json=body, headers={"if-match": tag})
        assert refused["code"] == "PRECONDITION_FAILED"
        assert "Read it again" in refused["error"]
    assert alice.get(f"/api/v1{one}").headers["etag"].partition(".")[0] == newer.partition(".")[0]
    alice.data("PATCH", one, json=change, headers={"if-match": f'"other", {newer}'})
    alice.data("PATCH", one, json=change, headers={"if-match": "*"})
    alice.data("DELETE", one, headers={"if-match": alice.get(f"/api/v1{one}").headers["etag"]})
    alice.failure("DELETE", one, 404, headers={"if-match": tag})


def test_the_organization_has_a_version(alice: Client) -> None:
    tag = alice.get("/api/v1/organization").headers["etag"]
    alice.data("PATCH", "/organization", json={"name": "Acme & Co"}, headers={"if-match": tag})
    alice.failure("PATCH", "/organization", 412, json={"name": "Mine"}, headers={"if-match": tag})


def test_a_price_that_was_followed_by_another_is_not_changed(alice: Client) -> None:
    one = f"/prices/overrides/{alice.data('POST', '/prices/overrides', 201, json=NEW_PRICE)['id']}"
    tag = alice.get(f"/api/v1{one}").headers["etag"]
    alice.failure("PATCH", one, 412, json={"percentOfList": "80"}, headers={"if-match": '"older"'})
    alice.data("PATCH", one, json={"percentOfList": "80"}, headers={"if-match": tag})


def test_of_changes_at_once_one_wins(alice: Client, new_client: MakeClient, make: Callable[[str], str]) -> None:
    one = make("/budgets")
    tag = alice.get(f"/api/v1{one}").headers["etag"]
    clients = [new_client(cookies={COOKIE: alice.cookies[COOKIE]}) for _ in range(6)]

    def change(numbered: tuple[int, Client]) -> int:
        number, client = numbered
        return client.patch(f"/api/v1{one}", json={"name": f"n{number}"}, headers={"if-match": tag}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(change, enumerate(clients))) == [200] + [412] * 5


def test_what_has_no_version_takes_no_condition(alice: Client) -> None:
    token = alice.data("POST", "/tokens", 201, json={"name": "ci", "scopes": ["api"]})["id"]
    alice.failure("DELETE", f"/tokens/{token}", 412, headers={"if-match": '"x"'})
    alice.data("DELETE", f"/tokens/{token}", headers={"if-match": "*"})


def test_a_key_that_is_used_is_not_changed_by_it(alice: Client, make: Callable[[str], str]) -> None:
    one = make("/keys")
    version = alice.get(f"/api/v1{one}").headers["etag"].partition(".")[0]

    with db.session() as session:
        key = session.exec(select(ApiKey)).one()
        key_id, at = key.id, 4_000_000_000_000_000
        _write(session, {key_id: at})
    assert alice.data("GET", one)["lastUsed"].startswith("2096")
    assert alice.get(f"/api/v1{one}").headers["etag"].partition(".")[0] == version
