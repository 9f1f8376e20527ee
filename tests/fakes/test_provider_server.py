"""The fake must be as strict as the contract, or the tests that use it prove nothing."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.fakes import anthropic_api, openai_api
from tests.fakes.provider_server import FakeProvider

UNIX = 1793491200
COSTS, USAGE = "/organization/costs", "/organization/usage/completions"
MESSAGES, REPORT = "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report"


@pytest.fixture
def running() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


def openai(fake: FakeProvider, path: str, query: str, key: str = openai_api.ADMIN_KEY) -> httpx.Response:
    return httpx.get(f"{fake.openai_url}{path}?{query}", headers={"authorization": f"Bearer {key}"})


def anthropic(fake: FakeProvider, path: str, query: str, **headers: str) -> httpx.Response:
    base = {"x-api-key": anthropic_api.ADMIN_KEY, "anthropic-version": "2023-06-01"}
    return httpx.get(f"{fake.anthropic_url}{path}?{query}", headers=base | headers)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (USAGE, "bucket_width=1h"),
        (USAGE, f"start_time={UNIX}&bucket_width=1h&limit=169"),
        (USAGE, f"start_time={UNIX}&limit=32"),
        (USAGE, f"start_time={UNIX}&bucket_width=1w"),
        (USAGE, f"start_time={UNIX}&group_by[]=line_item"),
        (USAGE, f"start_time={UNIX}&end_time=1999999999"),
        (USAGE, f"start_time={UNIX}&end_time={UNIX}"),
        (USAGE, f"start_time={UNIX}&typo=1"),
        (USAGE, f"start_time={UNIX}&page=page_nonsense"),
        (COSTS, f"start_time={UNIX}&limit=181"),
        (COSTS, f"start_time={UNIX}&bucket_width=1h"),
        (COSTS, f"start_time={UNIX}&group_by[]=model"),
        (COSTS, "start_time=1700000000&group_by[]=api_key_id"),
        ("/organization/projects", "limit=101"),
    ],
)
def test_openai_refuses_what_the_contract_refuses(running: FakeProvider, path: str, query: str) -> None:
    assert openai(running, path, query).status_code == 400


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (MESSAGES, "bucket_width=1h"),
        (MESSAGES, "starting_at=yesterday"),
        (MESSAGES, "starting_at=2026-11-01T00:00:00Z&bucket_width=1h&limit=169"),
        (MESSAGES, "starting_at=2026-11-01T00:00:00Z&group_by=model"),
        (MESSAGES, "starting_at=2026-11-01T00:00:00Z&group_by[]=description"),
        (MESSAGES, "starting_at=2026-11-01T00:00:00Z&group_by[]=speed"),
        (MESSAGES, "starting_at=2026-11-01T00:00:00Z&typo=1"),
        (MESSAGES, "starting_at=2026-11-01T00:00:00Z&page=page_nonsense"),
        (REPORT, "starting_at=2026-11-01T00:00:00Z&limit=32"),
        (REPORT, "starting_at=2026-11-01T00:00:00Z&bucket_width=1h"),
        (REPORT, "starting_at=2026-11-01T00:00:00Z&group_by[]=api_key_id"),
        (REPORT, "starting_at=2026-11-01T00:00:00Z&ending_at=2026-11-01T12:00:00Z"),
    ],
)
def test_anthropic_refuses_what_the_contract_refuses(running: FakeProvider, path: str, query: str) -> None:
    assert anthropic(running, path, query).status_code == 400


def test_a_cost_window_of_today_alone_has_no_complete_day(running: FakeProvider) -> None:
    today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")
    refused = anthropic(running, REPORT, f"starting_at={today}")
    assert refused.status_code == 400
    assert "ending date must be after starting date" in refused.text


def test_a_page_token_belongs_to_one_query(running: FakeProvider) -> None:
    first = openai(running, USAGE, f"start_time={UNIX}&limit=3").json()
    token = first["next_page"]
    assert openai(running, USAGE, f"start_time={UNIX}&limit=3&page={token}").status_code == 200
    assert openai(running, USAGE, f"start_time={UNIX}&limit=4&page={token}").status_code == 400
    assert openai(running, USAGE, f"start_time={UNIX}&limit=3&group_by[]=model&page={token}").status_code == 400


def test_kinds_of_keys(running: FakeProvider) -> None:
    assert openai(running, "/models", "", openai_api.PROJECT_KEY).status_code == 200
    assert openai(running, COSTS, f"start_time={UNIX}", openai_api.PROJECT_KEY).status_code == 403
    assert openai(running, COSTS, f"start_time={UNIX}", "sk-none").status_code == 401
    assert openai(running, "/models", "").status_code == 403
    wrong = {"x-api-key": anthropic_api.INFERENCE_KEY}
    assert anthropic(running, "/v1/organizations/me", "", **wrong).status_code == 401
    assert anthropic(running, "/v1/models", "", **wrong).status_code == 200
    assert anthropic(running, "/v1/models", "", **{"anthropic-version": ""}).status_code == 400


def test_groups_that_were_not_asked_for_are_added_up_under_null(running: FakeProvider) -> None:
    for model, key in (("a", "k1"), ("a", "k2"), ("b", "k1")):
        running.openai.plant_completion(UNIX, uncached=10, output=1, model=model, api_key_id=key)
    body = openai(running, USAGE, f"start_time={UNIX}&limit=1&group_by[]=model").json()
    rows = [(r["model"], r["api_key_id"], r["input_tokens"]) for r in body["data"][0]["results"]]
    assert rows == [("a", None, 20), ("b", None, 10)]


def test_the_examples_can_be_moved_to_another_day(running: FakeProvider) -> None:
    day = datetime(2026, 10, 5, tzinfo=UTC)
    running.load_examples("openai", day)
    running.load_examples("anthropic", day)
    stamp = int(day.timestamp())
    body = openai(running, COSTS, f"start_time={stamp}&limit=1&group_by[]=line_item").json()
    assert len(body["data"][0]["results"]) == 7
    body = anthropic(running, MESSAGES, "starting_at=2026-10-05T00:00:00Z&limit=1&group_by[]=model").json()
    assert len(body["data"][0]["results"]) == 2


def test_stopping_does_not_wait_for_a_silence(running: FakeProvider) -> None:
    running.silence("*", 3600)
    failures: list[httpx.HTTPError] = []

    def call() -> None:
        try:
            httpx.get(f"{running.openai_url}/models", timeout=60)
        except httpx.HTTPError as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    while not running.log:
        time.sleep(0.01)
    running.stop()
    caller.join(30)
    assert not caller.is_alive()
    assert len(failures) == 1
