"""What every adapter must do, whatever the vendor: the same suite for all of them, over real HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian import errors
from guardian.providers.base import BaseProvider
from guardian.records import CostBucket, UsageBucket
from tests.contracts.vendors import VENDORS, Vendor
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.provider_server import FakeProvider

DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
T0 = int(DAY0.timestamp())

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)


@pytest.fixture
def adapter(vendor: Vendor, make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(vendor.provider)


def usage(adapter: BaseProvider, vendor: Vendor, days: int = 2, key: str | None = None) -> list[UsageBucket]:
    return list(adapter.get_usage(key or vendor.admin_key, DAY0, DAY0 + days * DAY, vendor.report))


def costs(adapter: BaseProvider, vendor: Vendor, days: int = 2) -> list[CostBucket]:
    return list(adapter.get_costs(vendor.admin_key, DAY0, DAY0 + days * DAY))


def test_a_walk_gives_every_bucket_of_the_window_once_and_in_order(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    for day in range(20):
        vendor.plant(fake, T0 + day * 86400 + 3600 * 5, 100 + day, 10, "key_a")
    buckets = usage(adapter, vendor, days=20)
    assert [b.start for b in buckets] == [DAY0 + n * HOUR for n in range(480)]
    assert all(b.end == b.start + HOUR for b in buckets)
    filled = {b.start: b.records for b in buckets if b.records}
    assert list(filled) == [DAY0 + day * DAY + 5 * HOUR for day in range(20)]
    assert [r.counts.input_tokens for records in filled.values() for r in records] == [100 + d for d in range(20)]


def test_all_pages_of_a_walk_ask_exactly_the_same_question(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    usage(adapter, vendor, days=20)
    asked = fake.requests(vendor.usage_path)
    assert len(asked) == 3
    assert len({tuple(q for q in r.query if q[0] != "page") for r in asked}) == 1
    assert [sum(n == "page" for n, _ in r.query) for r in asked] == [0, 1, 1]


def test_days_of_cost_without_spend_are_reported_empty(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    vendor.plant_cost(fake, T0 + 86400, Decimal("1.25"), "something")
    days = costs(adapter, vendor, days=3)
    assert [d.start for d in days] == [DAY0, DAY0 + DAY, DAY0 + 2 * DAY]
    assert [[r.amount for r in d.records] for d in days] == [[], [Decimal("1.25")], []]


def test_half_an_hour_is_asked_for_as_a_whole_one(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    vendor.plant(fake, T0 + 60, 7, 1, "key_a")
    odd = DAY0 + timedelta(minutes=30)
    (bucket,) = adapter.get_usage(vendor.admin_key, odd, odd + timedelta(minutes=5), vendor.report)
    assert (bucket.start, bucket.end) == (DAY0, DAY0 + HOUR)
    assert bucket.records[0].counts.input_tokens == 7


def test_the_running_hour_and_day_are_in_it(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now = datetime.now(UTC)
    vendor.plant(fake, int(now.timestamp()) - 1, 11, 1, "key_a")
    vendor.plant_cost(fake, int(now.timestamp()) - 1, Decimal(3), "something")
    later = now + 3 * DAY
    hours = list(adapter.get_usage(vendor.admin_key, now - 2 * HOUR, later, vendor.report))
    assert [r.counts.input_tokens for b in hours for r in b.records] == [11]
    days = list(adapter.get_costs(vendor.admin_key, now - DAY, later))
    assert [r.amount for d in days for r in d.records] == [Decimal(3)]


def test_today_alone_can_be_asked_for(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    vendor.plant_cost(fake, int(today.timestamp()), Decimal(3), "today")
    vendor.plant_cost(fake, int(today.timestamp()) - 1, Decimal(5), "yesterday")
    days = list(adapter.get_costs(vendor.admin_key, today, now + DAY))
    assert [r.line_item for d in days for r in d.records] == ["today"]


def test_a_window_in_the_future_asks_nothing(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    ahead = datetime.now(UTC) + 5 * DAY
    assert list(adapter.get_usage(vendor.admin_key, ahead, ahead + DAY, vendor.report)) == []
    assert fake.log == []


def test_restated_and_deleted_rows_show_in_the_next_walk(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    kept = vendor.plant(fake, T0, 100, 10, "key_a")
    gone = vendor.plant(fake, T0, 5, 1, "key_b")
    assert usage(adapter, vendor) == usage(adapter, vendor)
    vendor.usage(fake).restate(kept, **{vendor.output_field: 99})
    vendor.usage(fake).delete(gone)
    records = usage(adapter, vendor)[0].records
    assert [(r.external_key_id, r.counts.output_tokens) for r in records] == [("key_a", 99)]


def test_unknown_fields_and_lists_are_ignored(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    vendor.plant(fake, T0, 100, 10, "key_a")
    plain = usage(adapter, vendor)

    def decorate(body: dict[str, Any]) -> None:
        body["generated_at"] = "now"
        for bucket in body["data"]:
            bucket["note"] = [1, 2]
            for row in bucket["results"]:
                row |= {"user_email": "ada@example.com", "nested": {"a": [None]}}

    fake.alter(vendor.usage_path, decorate)
    assert usage(adapter, vendor) == plain


def change(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set or (`...`) remove a field, by its dotted name, in every row."""

    def apply(body: dict[str, Any]) -> None:
        for bucket in body["data"]:
            for row in bucket["results"]:
                *path, last = name.split(".")
                for step in path:
                    row = row[step]
                if value is ...:
                    del row[last]
                else:
                    row[last] = value

    return apply


@pytest.mark.parametrize("value", [..., None], ids=["absent", "null"])
def test_a_missing_required_field_is_refused_by_its_name(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, value: Any
) -> None:
    vendor.plant(fake, T0, 100, 10, "key_a")
    vendor.plant_cost(fake, T0, Decimal(1), "something")
    for name in vendor.required:
        fake.alter(vendor.usage_path, change(name, value), times=1)
        with pytest.raises(errors.ProviderContractBroken, match=rf"^{vendor.name}'s .* lacks the field {name},"):
            usage(adapter, vendor)
    for name in vendor.cost_required:
        fake.alter(vendor.cost_path, change(name, value), times=1)
        with pytest.raises(errors.ProviderContractBroken, match=rf"^{vendor.name}'s .* lacks the field {name},"):
            costs(adapter, vendor)


@pytest.mark.parametrize("value", ["12", True, -1, 1.5, float("nan"), float("inf"), 2**63, [], {}], ids=repr)
def test_a_count_that_is_no_count_is_refused_by_its_name(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, value: Any
) -> None:
    vendor.plant(fake, T0, 100, 10, "key_a")
    fake.alter(vendor.usage_path, change("output_tokens", value))
    with pytest.raises(errors.ProviderContractBroken, match="a field output_tokens that is not a whole number"):
        usage(adapter, vendor)


@pytest.mark.parametrize("name", ["data", "has_more"])
def test_a_page_without_its_envelope_is_refused(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, name: str
) -> None:
    fake.alter(vendor.usage_path, lambda body: {k: v for k, v in body.items() if k != name})
    with pytest.raises(errors.ProviderContractBroken, match=f"lacks the field {name},"):
        usage(adapter, vendor)


def test_money_of_another_currency_is_refused(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    vendor.plant_cost(fake, T0, Decimal(1), "something")
    field = next(n for n in vendor.cost_required if n.endswith("currency"))
    fake.alter(vendor.cost_path, change(field, "EUR"))
    with pytest.raises(errors.ProviderContractBroken, match="EUR"):
        costs(adapter, vendor)


def test_more_without_a_token_is_not_taken_for_the_end(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    fake.alter(vendor.usage_path, lambda body: body | {"has_more": True, "next_page": None})
    with pytest.raises(errors.ProviderContractBroken, match="there is more, but not where"):
        usage(adapter, vendor)


@pytest.mark.parametrize("repeat", [True, False], ids=["same token", "fresh tokens"])
def test_pages_without_end_are_refused(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, repeat: bool) -> None:
    fake.endless("*", repeat_token=repeat)
    with pytest.raises(errors.ProviderContractBroken, match="pages without end"):
        usage(adapter, vendor)
    with pytest.raises(errors.ProviderContractBroken, match="pages without end"):
        costs(adapter, vendor)
    assert len(fake.log) < 20


Break = Callable[[FakeProvider, str], None]
FAULTS: dict[str, tuple[Break, type[errors.ProviderError], str]] = {
    "401": (lambda f, p: f.fail(p, status=401), errors.ProviderKeyRejected, "does not accept this key"),
    "402": (lambda f, p: f.fail(p, status=402), errors.ProviderQuotaExhausted, "billing"),
    "403": (lambda f, p: f.fail(p, status=403), errors.ProviderForbidden, "does not let this key"),
    "404": (lambda f, p: f.fail(p, status=404), errors.ProviderRequestRejected, "HTTP 404"),
    "408": (lambda f, p: f.fail(p, status=408), errors.ProviderUnavailable, "HTTP 408"),
    "409": (lambda f, p: f.fail(p, status=409), errors.ProviderUnavailable, "HTTP 409"),
    "429": (lambda f, p: f.fail(p, status=429), errors.ProviderRateLimited, "limits how often"),
    "429 Retry-After": (
        lambda f, p: f.fail(p, status=429, headers={"retry-after": "7"}),
        errors.ProviderRateLimited,
        "asks to wait 7 seconds",
    ),
    "500": (lambda f, p: f.fail(p, status=500), errors.ProviderUnavailable, "HTTP 500"),
    "529": (lambda f, p: f.fail(p, status=529), errors.ProviderUnavailable, "HTTP 529"),
    "503 HTML": (lambda f, p: f.html(p, status=503), errors.ProviderUnavailable, "HTTP 503"),
    "HTML": (lambda f, p: f.html(p), errors.ProviderUnavailable, "a web page instead of data"),
    "403 HTML": (lambda f, p: f.html(p, status=403), errors.ProviderUnavailable, "a web page instead of data"),
    "redirect": (lambda f, p: f.redirect(p, "http://127.0.0.1:1/"), errors.ProviderUnavailable, "redirect"),
    "cut JSON": (lambda f, p: f.cut_json(p), errors.ProviderUnavailable, "broke off or is not valid JSON"),
    "broken off": (lambda f, p: f.break_off(p), errors.ProviderUnreachable, "closed the connection"),
    "reset": (lambda f, p: f.reset(p), errors.ProviderUnreachable, "closed the connection"),
    "silence": (lambda f, p: f.silence(p, 60), errors.ProviderUnreachable, "did not answer within 1 second"),
    "trickle": (lambda f, p: f.trickle(p, 0.1), errors.ProviderUnreachable, "did not answer within 1 second"),
    "list": (lambda f, p: f.alter(p, lambda body: [body]), errors.ProviderContractBroken, "JSON object"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_class_and_one_clear_sentence(
    fake: FakeProvider, make_adapter: MakeAdapter, vendor: Vendor, fault: str
) -> None:
    put, kind, words = FAULTS[fault]
    adapter = make_adapter(vendor.provider, timeout=0.5, attempts=2)
    put(fake, "*")
    for call in (usage, costs):
        with pytest.raises(kind) as caught:
            call(adapter, vendor)
        assert words in caught.value.message
        assert caught.value.message.startswith(vendor.name)
        assert vendor.admin_key not in str(caught.value)
    tested = adapter.test_connection(vendor.admin_key)
    assert not tested.success
    assert words in tested.message
    assert vendor.admin_key not in repr(tested)


@pytest.mark.parametrize("fault", [name for name, (_, kind, _) in FAULTS.items() if not kind.permanent])
def test_a_fault_in_the_middle_of_a_walk_gives_nothing_at_all(
    fake: FakeProvider, make_adapter: MakeAdapter, vendor: Vendor, fault: str
) -> None:
    vendor.plant(fake, T0, 100, 10, "key_a")
    adapter = make_adapter(vendor.provider, timeout=0.5, attempts=1)
    fake.alter("*", lambda body: body, times=1)  # the first page is good
    FAULTS[fault][0](fake, "*")
    walk = adapter.get_usage(vendor.admin_key, DAY0, DAY0 + 20 * DAY, vendor.report)
    with pytest.raises(FAULTS[fault][1]):
        next(walk)
    assert len(fake.log) == 2


def test_a_temporary_fault_is_tried_again_and_leaves_no_trace(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, sleeps: list[float]
) -> None:
    vendor.plant(fake, T0, 100, 10, "key_a")
    plain = usage(adapter, vendor, days=20)
    fake.fail("*", status=503, times=1, skip=1)
    fake.reset("*", times=1, skip=1)
    assert usage(adapter, vendor, days=20) == plain
    assert len(sleeps) == 2


def test_a_key_revoked_in_the_middle_of_a_walk_is_rejected(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, sleeps: list[float]
) -> None:
    def revoke(body: dict[str, Any]) -> None:
        vendor.keys(fake)[vendor.admin_key].revoked = True

    fake.alter(vendor.usage_path, revoke, times=1)
    with pytest.raises(errors.ProviderKeyRejected, match="wrong, revoked or expired"):
        usage(adapter, vendor, days=20)
    assert sleeps == []


def test_an_inference_key_is_told_to_be_of_the_wrong_kind(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    for call in (
        lambda: usage(adapter, vendor, key=vendor.inference_key),
        lambda: list(adapter.get_costs(vendor.inference_key, DAY0, DAY0 + DAY)),
    ):
        with pytest.raises(errors.ProviderWrongKeyKind, match=r"[Cc]reate an [Aa]dmin key"):
            call()


def test_the_connection_test_tells_admin_from_inference(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    admin, inference = adapter.test_connection(vendor.admin_key), adapter.test_connection(vendor.inference_key)
    assert (admin.success, admin.kind) == (True, "admin")
    assert (inference.success, inference.kind) == (True, "inference")
    assert "admin key" in inference.message.lower()
    assert admin.account_id == inference.account_id is not None


def test_a_bad_key_fails_its_test_in_words(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    vendor.keys(fake)[vendor.admin_key].revoked = True
    revoked = adapter.test_connection(vendor.admin_key)
    assert (revoked.success, revoked.kind) == (False, None)
    assert "wrong, revoked or expired" in revoked.message
    assert revoked.metadata["code"] == "PROVIDER_KEY_REJECTED"


@pytest.mark.parametrize("key", ["", "  ", "two words", "schlüssel-1234", "line\nbreak", "null\x00byte"], ids=repr)
def test_what_cannot_be_a_key_is_never_sent(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, key: str
) -> None:
    tested = adapter.test_connection(key)
    assert not tested.success
    assert "not a key" in tested.message
    assert fake.log == []


def test_a_key_pasted_with_white_space_works(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    assert adapter.test_connection(f"  {vendor.admin_key}\n").success


@pytest.mark.parametrize("status", [403, 404])
def test_names_are_a_courtesy(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, status: int) -> None:
    fake.load_examples(vendor.name.lower())
    everything = list(adapter.get_resources(vendor.admin_key))
    fake.fail(vendor.names_path, status=status)
    fewer = list(adapter.get_resources(vendor.admin_key))
    assert 0 < len(fewer) < len(everything)
    assert set(r.external_id for r in fewer) < set(r.external_id for r in everything)


def test_other_faults_while_reading_names_are_not_swallowed(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    fake.fail(vendor.names_path, status=500)
    with pytest.raises(errors.ProviderUnavailable):
        list(adapter.get_resources(vendor.admin_key))
    fake.heal()
    vendor.keys(fake)[vendor.admin_key].revoked = True
    with pytest.raises(errors.ProviderKeyRejected):
        list(adapter.get_resources(vendor.admin_key))


def test_a_report_that_does_not_exist_is_our_mistake(adapter: BaseProvider, vendor: Vendor) -> None:
    with pytest.raises(errors.ValidationError, match="no usage report named 'nonsense'"):
        list(adapter.get_usage(vendor.admin_key, DAY0, DAY0 + DAY, "nonsense"))


tokens = st.integers(0, 10**12)
planted = st.lists(st.tuples(st.integers(0, 2 * 86400 - 1), tokens, tokens, st.sampled_from(["k1", "k2", "k3"])))


@given(rows=planted)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_is_planted_comes_out_sound_and_complete(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, rows: list[tuple[int, int, int, str]]
) -> None:
    vendor.usage(fake).clear()
    for at, uncached, output, key in rows:
        vendor.plant(fake, T0 + at, uncached, output, key)
    records = [r for b in usage(adapter, vendor) for r in b.records]
    assert all(r.counts.problems() == [] for r in records)
    for key in ("k1", "k2", "k3"):
        mine = [r.counts for r in records if r.external_key_id == key]
        assert sum(c.input_tokens for c in mine) == sum(u for _, u, _, k in rows if k == key)
        assert sum(c.output_tokens for c in mine) == sum(o for _, _, o, k in rows if k == key)


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_split_order_or_repetition_of_pages_gives_the_same_records(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, data: st.DataObject
) -> None:
    fake.heal()
    vendor.usage(fake).clear()
    for n, (at, uncached, output, _) in enumerate(data.draw(planted)):
        vendor.plant(fake, T0 + at, uncached, output, f"key_{n}")
    plain = usage(adapter, vendor)
    (whole,) = [
        fake.answer(vendor.name.lower(), r.method, r.path, r.query, r.headers, None).body for r in fake.log[-1:]
    ]
    # Every row, and every bucket as an empty one, is put on one or more of the pages.
    pieces = [{**b, "results": [row]} for b in whole["data"] for row in b["results"]]
    pieces += [{**b, "results": []} for b in whole["data"]]
    number = data.draw(st.integers(1, 12))
    pages: list[list[dict[str, Any]]] = [[] for _ in range(number)]
    for piece in pieces:
        for page in data.draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3)):
            pages[page].append(piece)
    bodies = [
        whole | {"data": page, "has_more": n < number - 1, "next_page": f"p{n}" if n < number - 1 else None}
        for n, page in enumerate(pages)
    ]
    fake.serve(vendor.usage_path, *bodies)
    assert [(b.start, b.end, set(map(repr, b.records))) for b in usage(adapter, vendor)] == [
        (b.start, b.end, set(map(repr, b.records))) for b in plain
    ]
