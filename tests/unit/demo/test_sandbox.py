"""The sandbox as the product's own adapters and a plain client meet it: reports, names, keys, calls and streams."""

import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardian.config import Settings
from guardian.demo.books import HOUR, Books, floor_day, floor_hour
from guardian.demo.company import ADMIN_KEYS, CALL_KEYS, KEY_NAMES, PROJECT_NAMES, Vendor
from guardian.demo.sandbox.server import READY, Sandbox
from guardian.errors import ProviderKeyRejected
from guardian.models.enums import Provider, ResourceKind
from guardian.periods import DAY, utcnow
from guardian.providers.base import BaseProvider
from guardian.providers.registry import provider_for
from tests.fakes.fixtures import half_dollar

MESSAGES = [{"role": "user", "content": "Hello"}]
VENDORS = pytest.mark.parametrize("vendor", list(Vendor))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    books = Books(1, utcnow(), tmp_path)
    with Sandbox(books) as running:
        yield running
    books.close()


@pytest.fixture
def adapters(sandbox: Sandbox) -> Iterator[dict[Vendor, BaseProvider]]:
    known = Settings(
        openai_base_url=sandbox.url(Vendor.OPENAI),
        anthropic_base_url=sandbox.url(Vendor.ANTHROPIC),
        provider_attempts=1,
    )
    made = {v: provider_for(Provider(v), pricer=half_dollar, settings=known) for v in Vendor}
    yield made
    for adapter in made.values():
        adapter.close()


@VENDORS
def test_its_keys_are_told_apart(adapters: dict[Vendor, BaseProvider], vendor: Vendor) -> None:
    adapter = adapters[vendor]
    admin, inference = adapter.test_connection(ADMIN_KEYS[vendor]), adapter.test_connection(CALL_KEYS[vendor])
    assert (admin.success, admin.kind, bool(admin.account_id)) == (True, "admin", True)
    assert (inference.success, inference.kind) == (True, "inference")
    assert not adapter.test_connection(ADMIN_KEYS[vendor] + "x").success


@VENDORS
def test_its_reports_are_what_its_books_say(
    sandbox: Sandbox, adapters: dict[Vendor, BaseProvider], vendor: Vendor
) -> None:
    end = floor_day(utcnow())
    start = end - 10 * DAY
    adapter, key = adapters[vendor], ADMIN_KEYS[vendor]
    used = [usage for usage in sandbox.books.between(start, end) if usage.vendor is vendor]
    records = [r for report in adapter.reports for b in adapter.get_usage(key, start, end, report) for r in b.records]
    assert sum(r.counts.input_tokens for r in records) == sum(u.uncached + u.cached for u in used) > 0
    assert sum(r.counts.cache_read_tokens for r in records) == sum(u.cached for u in used) > 0
    assert sum(r.counts.output_tokens for r in records) == sum(u.output for u in used) > 0
    assert {r.project_id for r in records} <= PROJECT_NAMES.keys()
    lines = [r for bucket in adapter.get_costs(key, start, end) for r in bucket.records]
    fees = sum((r.amount for r in lines if "search" in (r.line_item or "")), Decimal(0))
    assert sum((r.amount for r in lines), Decimal(0)) - fees == sum((u.cost for u in used), Decimal(0))
    # A fee that no token tells of is what reconciliation has to explain.
    assert bool(fees) is (vendor is Vendor.OPENAI)


@VENDORS
def test_its_names(adapters: dict[Vendor, BaseProvider], vendor: Vendor) -> None:
    found = {each.external_id: each for each in adapters[vendor].get_resources(ADMIN_KEYS[vendor])}
    beginning = ("proj_", "key_") if vendor is Vendor.OPENAI else ("wrkspc_", "apikey_")
    for names in (PROJECT_NAMES, KEY_NAMES):
        mine = {id: name for id, name in names.items() if id.startswith(beginning)}
        assert {id: found[id].name for id in mine} == mine
    assert ResourceKind.USER in {each.kind for each in found.values()}


def _call(sandbox: Sandbox, vendor: Vendor, **body: Any) -> httpx.Response:
    secret = CALL_KEYS[vendor]
    if vendor is Vendor.OPENAI:
        path, headers = "/chat/completions", {"authorization": f"Bearer {secret}"}
    else:
        path, headers = "/v1/messages", {"x-api-key": secret}
    return httpx.post(sandbox.url(vendor) + path, json={"messages": MESSAGES, **body}, headers=headers)


@pytest.mark.parametrize(("vendor", "model"), [(Vendor.OPENAI, "gpt-5-mini"), (Vendor.ANTHROPIC, "claude-haiku-4-5")])
def test_a_call_and_its_stream_use_the_same_and_are_in_the_books(sandbox: Sandbox, vendor: Vendor, model: str) -> None:
    whole = _call(sandbox, vendor, model=model).json()["usage"]
    stream = _call(sandbox, vendor, model=model, stream=True, stream_options={"include_usage": True})
    assert stream.headers["content-type"].startswith("text/event-stream")
    data = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: {")]
    if vendor is Vendor.OPENAI:
        assert data[-1]["usage"] == whole
        assert stream.text.endswith("data: [DONE]\n\n")
        given = (whole["prompt_tokens"], whole["completion_tokens"])
    else:
        started, ended = data[0]["message"]["usage"], data[-2]["usage"]
        assert started | ended == whole
        given = (whole["input_tokens"] + whole["cache_read_input_tokens"], whole["output_tokens"])
    hour = floor_hour(utcnow())
    booked = [u for u in sandbox.books.between(hour - HOUR, hour + HOUR) if u.project.endswith("assistant")]
    assert {(u.vendor, u.model) for u in booked} == {(vendor, model)}
    # Its hour may have ended between the two.
    assert sum(u.uncached + u.cached for u in booked) == 2 * given[0]
    assert sum(u.output for u in booked) == 2 * given[1]


@pytest.mark.parametrize(
    ("vendor", "body", "status"),
    [
        (Vendor.OPENAI, {"model": "claude-haiku-4-5"}, 404),
        (Vendor.ANTHROPIC, {"model": "gpt-5-mini"}, 404),
        (Vendor.OPENAI, {}, 404),
    ],
)
def test_what_it_does_not_have(sandbox: Sandbox, vendor: Vendor, body: dict[str, Any], status: int) -> None:
    answer = _call(sandbox, vendor, **body)
    assert answer.status_code == status
    assert sandbox.books.answered == 0


def test_some_calls_come_too_fast(sandbox: Sandbox) -> None:
    answers = [
        _call(sandbox, Vendor.OPENAI, model="gpt-5-mini", max_completion_tokens=1, messages=[{"content": f"{n}"}])
        for n in _busy()
    ]
    assert [answer.status_code for answer in answers] == [429]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[0].json()["error"]["type"] == "rate_limit_error"


def _busy() -> list[int]:
    """The first number whose call the sandbox refuses, as its rule says: its checksum is a multiple of 60."""
    return [next(n for n in range(1_000) if zlib.crc32(str([{"content": f"{n}"}]).encode()) % 60 == 0)]


def test_it_is_ready_when_the_company_is(sandbox: Sandbox) -> None:
    address = f"http://127.0.0.1:{sandbox.port}{READY}"
    assert httpx.get(address).status_code == 503
    sandbox.ready.set()
    assert httpx.get(address).status_code == 200
    assert httpx.get(f"http://127.0.0.1:{sandbox.port}/else").status_code == 404


def test_a_foreign_key_is_refused(adapters: dict[Vendor, BaseProvider]) -> None:
    with pytest.raises(ProviderKeyRejected):
        list(adapters[Vendor.OPENAI].get_resources("sk-admin-of-somebody-else-00000"))
