"""account/onboarding: the first steps, told by what is there, and what a person says of them."""

import pytest

from tests.api.conftest import Client


def test_the_steps_by_what_is_there(alice: Client, charlie: Client) -> None:
    found = alice.data("GET", "/account/onboarding")
    assert found == {
        "steps": [
            {"name": "connect", "done": False, "skipped": False},
            {"name": "spend", "done": False, "skipped": False},
            {"name": "budget", "done": False, "skipped": False},
            {"name": "invite", "done": True, "skipped": False},
        ],
        "next": "connect",
        "complete": False,
        "dismissed": False,
    }
    alice.data("POST", "/budgets", 201, json={"name": "All", "limit": "10"})
    assert [step["done"] for step in alice.data("GET", "/account/onboarding")["steps"]] == [False, False, True, True]
    assert not any(step["done"] for step in charlie.data("GET", "/account/onboarding")["steps"])


def test_what_one_says_of_them_is_kept_and_audited(alice: Client, bob: Client) -> None:
    found = alice.data("PATCH", "/account/onboarding", json={"skipped": ["connect", "spend", "budget"]})
    assert (found["next"], found["complete"], found["dismissed"]) == (None, True, False)
    found = alice.data("PATCH", "/account/onboarding", json={"dismissed": True})
    assert found == alice.data("GET", "/account/onboarding")
    assert (found["complete"], found["dismissed"]) == (True, True)
    assert bob.data("GET", "/account/onboarding")["next"] == "connect"
    assert alice.data("PATCH", "/account/onboarding", json={"skipped": [], "dismissed": False})["next"] == "connect"
    assert alice.data("GET", "/activity")[0]["action"] == "ONBOARDING_UPDATE"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"skipped": ["nap"]}, "skipped"),
        ({"skipped": "connect"}, "skipped"),
        ({"skipped": ["budget"] * 5}, "skipped"),
        ({"dismissed": "yes"}, "dismissed"),
        ({"done": ["budget"]}, "done"),
        ({"steps": [{"name": "budget", "done": True}]}, "steps"),
    ],
)
def test_nothing_marks_a_step_done_but_doing_it(alice: Client, body: dict[str, object], field: str) -> None:
    assert alice.failure("PATCH", "/account/onboarding", 400, json=body)["details"][0]["field"].startswith(field)
