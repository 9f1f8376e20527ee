"""Numbers and times of events that are more than a computer's own: refused in words, or taken as they are."""

import json
from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.ingest.conftest import rows
from tests.api.ingest.making import event


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timestamp": "0001-01-01T00:00:00+23:59"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-23:59"}, "timestamp"),
        ({"cost": "1e-999999999"}, "cost"),
        ({"cost": "0e-999999999"}, "cost"),
        ({"units": {"image": "1e-999999999"}}, "units"),
    ],
)
def test_what_no_computer_can_hold_is_refused_and_stops_no_other(
    sender: Client, change: dict[str, Any], field: str
) -> None:
    found = sender.data("POST", "/usage", json=[event(1, **change), event(2)])
    assert (found["accepted"], [(error["index"], error["field"]) for error in found["errors"]]) == (1, [(0, field)])


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999"])
def test_an_exponent_without_end_is_refused(sender: Client, number: str) -> None:
    body = json.dumps([event(1, metadata={"size": "HERE"}), event(2)]).replace('"HERE"', number)
    found = sender.data("POST", "/usage", content=body, headers={"content-type": "application/json"})
    assert (found["accepted"], [error["index"] for error in found["errors"]]) == (1, [0])


@pytest.mark.parametrize("number", ["1e400", "-1e-400", str(10**60), str(-(2**64)), "0.1000000000000000000000000001"])
def test_large_and_long_numbers_of_ones_own_are_taken(sender: Client, number: str) -> None:
    body = json.dumps([event(1, metadata={"size": "HERE"}), event(2)]).replace('"HERE"', number)
    headers = {"content-type": "application/json"}
    assert sender.data("POST", "/usage", content=body, headers=headers)["accepted"] == 2
    assert sender.data("POST", "/usage", content=body, headers=headers)["duplicates"] == 2
    assert len(rows()) == 2


@pytest.mark.parametrize("name", ["eventId", "model", "error", "session", "tags", "metadata"])
def test_a_character_that_no_column_holds_stops_no_other(sender: Client, name: str) -> None:
    odd = {"a\0": "\0"} if name in ("tags", "metadata") else "a\0"
    found = sender.data("POST", "/usage", json=[event(1, **{name: odd}), event(2)])
    assert found["accepted"] + len(found["errors"]) == 2
    assert len(rows()) == found["accepted"] >= 1
