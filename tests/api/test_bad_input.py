"""Bad input: what is cut, doubled, nested, confusing, too large, forged or foreign is refused, in words that help."""

import csv
import io
import json
from typing import Any

import pytest
from sqlmodel import select

from guardian import db
from guardian.config import settings
from guardian.models import EmailLog, User
from guardian.models.enums import UserRole
from tests.api.conftest import PASSWORD, Client
from tests.api.described import Operation, operations
from tests.api.routes import NEW_BUDGET
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider

JSON = {"content-type": "application/json"}
# Spans carry whatever their makers add: OTLP says that unknown fields are ignored.
WITH_BODY = [
    each for each in operations() if isinstance(each.body, dict) and not each.is_public and "otlp" not in each.path
]


def post(client: Client, content: bytes, status: int = 400, path: str = "/budgets", **headers: str) -> dict[str, Any]:
    return client.failure("POST", path, status, content=content, headers=JSON | headers)


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        (b'{"name":"a","name":"b","limit":"1"}', "name", "comes twice"),
        (b'{"name":"a","limit":"1","scope":{"type":"tag","type":"user"}}', "type", "comes twice"),
        (b"[" * 100_000, "body", "nested deeper"),
        (b'{"name":' + b"[" * 40 + b"]" * 40 + b"}", "body", "nested deeper"),
        (b'{"name":"a\\u0000b","limit":"1"}', "name", "NUL"),
        (b'{"a\\u0000b":1}', "body", "NUL"),
        (b'{"name":"\\ud800","limit":"1"}', "name", "surrogate"),
        (b'{"name":"a","limit":1e999}', "body", "too large"),
        (b'{"name":"a","limit":NaN}', "body", "no number"),
        (b'{"name":"a","rollingDays":99999999999999999999}', "body", "too large"),
        (b'{"name":"a","rollingDays":' + b"9" * 5_000 + b"}", "body", "too large"),
        (b'{"name":"a",', "body", "not JSON"),
        (b'\xff\xfe{"name":"a"}', "body", ""),
        (b'{"name":"a\xc3","limit":"1"}', "body", "UTF-8"),
    ],
    ids=lambda given: given[:20].decode("latin-1") if isinstance(given, bytes) else None,
)
def test_odd_json_is_refused(alice: Client, content: bytes, field: str, words: str) -> None:
    body = post(alice, content)
    assert body["code"] == "VALIDATION_ERROR"
    told = body["details"][0]
    assert words in told["message"]
    assert told["field"] == field or field == "body"


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u2028", "\u0007", "\u0000"])
def test_a_name_reads_as_what_it_is(alice: Client, mark: str) -> None:
    for path, body in (
        ("/budgets", {**NEW_BUDGET, "name": f"pay{mark}roll"}),
        ("/tokens", {"name": f"pay{mark}roll", "scopes": ["api"]}),
        ("/views", {"page": "usage", "query": "x=1", "name": f"pay{mark}roll"}),
    ):
        assert alice.failure("POST", path, 400, json=body)["details"][0]["field"] == "name"


def test_one_name_has_one_spelling(alice: Client) -> None:
    """An e with an accent of its own is the same letter: stored once, and found by either."""
    made = alice.data("POST", "/budgets", 201, json={**NEW_BUDGET, "name": "cafe\u0301"})
    assert made["name"] == "caf\u00e9"


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda each: each.name)
def test_unknown_fields_are_refused_everywhere(alice: Client, operation: Operation) -> None:
    """Nothing is assigned that the route does not name: no role, no organization, no id."""
    path = operation.path
    for name in operation.ids:
        path = path.replace(f"{{{name}}}", "c" + "0" * 24)
    for extra in ({"role": "SUPER_ADMIN", "surprise": 1}, {"organizationId": "x", "id": "y", "surprise": 1}):
        body = alice.failure(operation.method, path, 400, json={**operation.body, **extra})
        if operation.path != "/usage":
            assert "surprise" in [each["field"].rpartition(".")[2] for each in body["details"]], operation.name


def test_nobody_makes_themselves_an_administrator(client: Client) -> None:
    sent = {"email": "eve@acme.test", "password": PASSWORD, "role": "SUPER_ADMIN"}
    client.failure("POST", "/auth/register", 400, json=sent)
    client.sign_up("ada@acme.test")  # who comes first runs the installation
    client.sign_up("eve@acme.test")
    with db.session() as session:
        assert session.exec(select(User.role).where(User.email == "eve@acme.test")).one() is not UserRole.SUPER_ADMIN


@pytest.mark.parametrize("query", ["?form=2026-11-01", "?provider=OPENAI&limt=5", "?cursor=a%00b", "?__proto__=1"])
def test_a_slip_in_a_filters_name_is_told(alice: Client, query: str) -> None:
    body = alice.failure("GET", f"/usage{query}", 400)
    assert body["details"][0]["message"]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.5", 200),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
        ("", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/xml, text/csv", 406),
    ],
)
def test_only_json_is_answered(alice: Client, accept: str, status: int) -> None:
    answer = alice.get("/api/v1/budgets", headers={"accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/xml"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": ""},
    ],
    ids=str,
)
def test_only_json_in_utf8_is_taken(alice: Client, headers: dict[str, str]) -> None:
    body = alice.failure("POST", "/budgets", 415, content=json.dumps(NEW_BUDGET).encode(), headers=headers)
    assert body["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert "Send the body" in body["error"]


@pytest.mark.parametrize("label", ["../admin", "a/b", "..", ".", "a%2fb", "a\\b", "a?b=c", "a#b", "a b/../c"])
def test_a_label_is_no_path(alice: Client, fake: FakeProvider, label: str) -> None:
    """It is a part of the gateway's addresses: /custom/{label}/v1."""
    body = alice.failure("POST", "/keys", 400, json={"provider": "OPENAI", "key": ADMIN_KEY, "label": label})
    assert body["details"][0]["field"] == "label"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.test", "x-forwarded-host": "evil.test"},
        {"origin": "https://evil.test", "x-forwarded-proto": "https", "forwarded": "host=evil.test"},
    ],
    ids=str,
)
def test_a_page_of_another_site_does_nothing_with_our_cookie(alice: Client, headers: dict[str, str]) -> None:
    changing = [each for each in operations() if each.method != "GET" and not each.ids and not each.is_public]
    assert len(changing) > 20
    for each in changing:
        answer = alice.request(each.method, f"/api/v1{each.path}", json=each.body, headers=headers)
        assert answer.status_code == 403, each.name
        assert "another site" in answer.json()["error"], each.name
    assert alice.data("GET", "/budgets") == []


@pytest.mark.parametrize(
    "headers", [{"host": "evil.test"}, {"x-forwarded-host": "evil.test"}, {"forwarded": "host=evil.test"}], ids=str
)
def test_a_forged_host_is_in_no_mail_and_in_no_answer(client: Client, headers: dict[str, str]) -> None:
    """A link of a reset leads to this installation, whatever the one who asked for it called it."""
    client.sign_up("ada@acme.test")
    answer = client.post("/api/v1/auth/password/forgot", json={"email": "ada@acme.test"}, headers=headers)
    assert answer.status_code == 200
    assert "evil.test" not in answer.text + str(answer.headers)
    with db.session() as session:
        mails = [repr(row.model_dump()) for row in session.exec(select(EmailLog))]
    assert mails
    assert not [mail for mail in mails if "evil.test" in mail]
    assert "evil.test" not in settings().base_url


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_runs_nothing_of_ours(alice: Client, name: str) -> None:
    """What others wrote into a cell begins with an apostrophe where a spreadsheet would take it for a formula."""
    if alice.post("/api/v1/views", json={"page": "usage", "query": "x=1", "name": name}).status_code != 201:
        return  # refused as a name already
    rows = list(csv.reader(io.StringIO(alice.get("/api/v1/activity/export.csv").text)))
    cells = [cell for row in rows[1:] for cell in row]
    assert any(name.strip() in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))] == []
