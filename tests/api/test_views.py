"""views: one's own are one's own, shared ones are the organization's, and nobody else's exist."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, col, select

from guardian.models import ActivityLog
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.ledger import saved_views
from tests.api.conftest import Client, SignIn

VIEW = {"page": "usage", "name": "By model", "query": "range=90d&groupBy=model"}


def _names(client: Client) -> list[str]:
    return [view["name"] for view in client.data("GET", "/views?page=usage")]


def test_a_view_is_kept_renamed_and_deleted(alice: Client, session: Session) -> None:
    made = alice.data("POST", "/views", 201, json={**VIEW, "name": "  By   model ", "query": "?range=90d"})
    assert (made["name"], made["query"], made["shared"], made["mine"], made["mayChange"], made["owner"]) == (
        "By model",
        "range=90d",
        False,
        True,
        True,
        "Alice",
    )
    changed = alice.data("PATCH", f"/views/{made['id']}", json={"name": "Ours", "query": "range=7d", "shared": True})
    assert (changed["id"], changed["name"], changed["query"], changed["shared"]) == (
        made["id"],
        "Ours",
        "range=7d",
        True,
    )
    assert alice.data("GET", f"/views/{made['id']}") == changed
    assert alice.data("GET", "/views?page=elsewhere") == []
    alice.data("DELETE", f"/views/{made['id']}")
    alice.failure("GET", f"/views/{made['id']}", 404)
    assert _names(alice) == []
    actions = session.exec(select(ActivityLog.action).order_by(col(ActivityLog.sequence))).all()
    assert actions == ["VIEW_CREATE", "VIEW_UPDATE", "VIEW_DELETE"]


def test_a_private_view_does_not_exist_for_a_colleague(alice: Client, bob: Client) -> None:
    made = alice.data("POST", "/views", 201, json=VIEW)
    path = f"/views/{made['id']}"
    assert _names(bob) == []
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        bob.failure(method, path, 404, json=body)
    assert alice.data("GET", path) == made


def test_a_shared_view_is_seen_by_all_and_changed_by_its_owner_and_administrators(
    bob: Client, charlie: Client, sign_in: SignIn, colleague: Callable[[TeamRole], Actor]
) -> None:
    made = bob.data("POST", "/views", 201, json={**VIEW, "shared": True})
    viewer, admin = sign_in(colleague(TeamRole.VIEWER)), sign_in(colleague(TeamRole.ADMIN))
    seen = viewer.data("GET", f"/views/{made['id']}")
    assert (seen["owner"], seen["mine"], seen["mayChange"]) == ("Bob", False, False)
    assert "This view is Bob's." in viewer.failure("PATCH", f"/views/{made['id']}", 403, json={"name": "x"})["error"]
    viewer.failure("DELETE", f"/views/{made['id']}", 403)
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        charlie.failure(method, f"/views/{made['id']}", 404, json=body)
    assert _names(charlie) == []
    assert admin.data("PATCH", f"/views/{made['id']}", json={"name": "Team"})["owner"] == "Bob"
    # What is no longer shared is its owner's alone, whoever took it back.
    admin.data("PATCH", f"/views/{made['id']}", json={"shared": False}, status=200)
    admin.failure("GET", f"/views/{made['id']}", 404)
    assert _names(bob) == ["Team"]


def test_who_only_looks_saves_for_themselves_alone(sign_in: SignIn, colleague: Callable[[TeamRole], Actor]) -> None:
    viewer = sign_in(colleague(TeamRole.VIEWER))
    made = viewer.data("POST", "/views", 201, json=VIEW)
    assert "views:share" in viewer.failure("PATCH", f"/views/{made['id']}", 403, json={"shared": True})["error"]
    viewer.failure("POST", "/views", 403, json={**VIEW, "name": "second", "shared": True})
    assert _names(viewer) == ["By model"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"page": "elsewhere"}, "page"),
        ({"query": "range=90d\r\nSet-Cookie: x"}, "query"),
        ({"query": "modell=ä"}, "query"),
        ({"query": "x" * 4_001}, "query"),
        ({"shared": "perhaps"}, "shared"),
    ],
)
def test_a_wrong_view_is_refused(alice: Client, change: dict[str, Any], field: str) -> None:
    assert alice.failure("POST", "/views", 400, json=VIEW | change)["details"][0]["field"] == field
    assert _names(alice) == []


def test_a_name_is_taken_once_by_each_person(alice: Client, bob: Client) -> None:
    first = alice.data("POST", "/views", 201, json=VIEW)
    bob.data("POST", "/views", 201, json=VIEW)
    assert "already" in alice.failure("POST", "/views", 400, json=VIEW)["error"]
    second = alice.data("POST", "/views", 201, json={**VIEW, "name": "Other"})
    alice.failure("PATCH", f"/views/{second['id']}", 400, json={"name": "By model"})
    alice.data("PATCH", f"/views/{first['id']}", json={"name": "By model", "query": ""})


def test_nobody_fills_the_table(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 1)
    alice.data("POST", "/views", 201, json=VIEW)
    assert "Delete one first" in alice.failure("POST", "/views", 400, json={**VIEW, "name": "second"})["error"]
