"""organization and activity: one's own organization, and what was done in it."""

import pytest

from tests.api.conftest import Client


def test_changing_the_organization(alice: Client) -> None:
    before = alice.data("GET", "/organization")
    assert (before["name"], before["timeZone"], before["billingEmail"], before["plan"]) == (
        "Acme",
        "UTC",
        None,
        "ENTERPRISE",
    )
    after = alice.data(
        "PATCH",
        "/organization",
        json={"name": " Acme  & Co ", "timeZone": "Europe/Berlin", "billingEmail": "Pay@Acme.TEST"},
    )
    assert (after["name"], after["timeZone"], after["billingEmail"]) == ("Acme & Co", "Europe/Berlin", "pay@acme.test")
    assert alice.data("PATCH", "/organization", json={"billingEmail": ""})["billingEmail"] is None
    assert alice.data("PATCH", "/organization", json={}) == alice.data("GET", "/organization")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"timeZone": "../../etc/passwd"}, "timeZone"),
        ({"billingEmail": "nonsense"}, "billingEmail"),
        ({"plan": "ENTERPRISE"}, "plan"),
    ],
)
def test_what_an_organization_cannot_be(alice: Client, body: dict[str, str], field: str) -> None:
    assert alice.failure("PATCH", "/organization", 400, json=body)["details"][0]["field"] == field


def test_activity_is_paged_newest_first(alice: Client, charlie: Client) -> None:
    for name in ("One", "Two", "Three"):
        alice.data("PATCH", "/organization", json={"name": name})
    first = alice.get("/api/v1/activity?limit=2").json()
    assert [row["metadata"] for row in first["data"]] == [{"name": "Three"}, {"name": "Two"}]
    assert {row["actor"] for row in first["data"]} == {"Alice"}
    second = alice.get(f"/api/v1/activity?limit=2&cursor={first['metadata']['nextCursor']}").json()
    assert [row["metadata"] for row in second["data"]] == [{"name": "One"}]
    assert second["metadata"]["nextCursor"] is None
    assert charlie.data("GET", "/activity") == []
    for wrong in ("cursor=x", "cursor=-1", "limit=0", "limit=201"):
        alice.failure("GET", f"/activity?{wrong}", 400)
