"""The scanner finds what was planted, in every way in which it may be written, and nothing where nothing is."""

import base64
import json
import urllib.parse

import pytest

from tests.tools.secrets import find

SECRET = "correct horse/battery+staple-4711"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        json.dumps({"password": SECRET}),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        SECRET[::-1],
        urllib.parse.quote(SECRET, safe=""),
        *(base64.b64encode(("x" * n + SECRET + "tail").encode()).decode() for n in range(5)),
    ],
)
def test_it_finds_what_was_planted(text: str) -> None:
    assert find("log", f"before {text} after".encode(), [SECRET])
    assert find("log", b"before nothing after", [SECRET]) == []


@pytest.mark.parametrize(
    "text",
    [
        "gdn_" + "a1B2" * 10,
        "whsec_" + "aB3+" * 8,
        "sk-ant-api03-" + "x" * 40,
        "xai-" + "y" * 40,
        "AIza" + "z" * 35,
        "-----BEGIN RSA PRIVATE KEY-----",
        "postgresql://guardian:hunter2@db/guardian",
    ],
)
def test_it_finds_what_looks_like_one(text: str) -> None:
    (found,) = find("page", f"<p>{text}</p>".encode())
    assert found.place == "page"
    assert text not in found.around


@pytest.mark.parametrize(
    "text", ["gdn_Ab…", "sk-ant…", "redis://redis:6379/0", "gdn_…", "task-force-of-the-whole-company"]
)
def test_hints_are_no_secrets(text: str) -> None:
    assert find("page", text.encode()) == []


def test_what_is_allowed_is_not_told() -> None:
    assert find("page", b"sk-" + b"example" * 5, allowed=[b"exampleexample"]) == []
