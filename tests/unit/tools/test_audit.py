"""What the audit says: clean, vulnerable, or that nobody could be asked, never one for the other."""

import json
from typing import Any

import pytest

from tests.tools import audit

FLAW = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}


def _output(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    ("status", "output", "errors", "meant", "words"),
    [
        (0, _output({"name": "a", "version": "1", "vulns": []}), "", audit.CLEAN, "1 packages"),
        (
            1,
            _output({"name": "a", "version": "1", "vulns": [FLAW]}),
            "",
            audit.VULNERABLE,
            "a 1: PYSEC-1, mended in 2.0",
        ),
        (1, "", "ERROR: Could not connect to the service", audit.UNKNOWN, "Could not connect"),
        (0, "", "", audit.UNKNOWN, "status 0"),
        (0, _output(), "", audit.UNKNOWN, "0 of 0"),
        (0, _output({"name": "a", "skip_reason": "not found"}), "", audit.UNKNOWN, "1 of 1 packages were skipped: a"),
    ],
)
def test_what_pip_audit_meant(status: int, output: str, errors: str, meant: int, words: str) -> None:
    found, said = audit.told(status, output, errors)
    assert found == meant
    assert words in said


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([audit.CLEAN, audit.CLEAN], 0),
        ([audit.UNKNOWN, audit.CLEAN, audit.CLEAN], 0),  # the second service was asked
        ([audit.CLEAN, audit.UNKNOWN, audit.UNKNOWN], 2),
        ([audit.VULNERABLE, audit.UNKNOWN, audit.UNKNOWN], 1),
    ],
)
def test_the_worst_counts(answers: list[int], status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter(answers)
    monkeypatch.setattr(audit, "audit", lambda lock, service: (next(left), "words"))
    assert audit.main(["one", "two"]) == status
