"""What every adapter must do when the provider fails or refuses: one class, one sentence, nothing half done."""

from collections.abc import Callable
from functools import partial

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from guardian.providers.tracking import TrackedUsage
from tests.contracts.test_adapters import plant_20_days, those, with_costs, with_pages, with_usage
from tests.contracts.vendors import DAY, DAY0, VENDORS, Vendor, cost_report, costs, usage, usage_report
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.provider_server import FakeProvider

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


def patience(fault: str) -> float:
    """Seconds: few only for what has to be waited out, because a good answer may be slow on a busy machine."""
    return 1 if fault in ("silence", "trickle") else 10


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_class_and_one_clear_sentence(
    fake: FakeProvider, make_adapter: MakeAdapter, vendor: Vendor, fault: str, tracked: list[TrackedUsage]
) -> None:
    put, kind, words = FAULTS[fault]
    adapter = make_adapter(vendor.provider, metadata=vendor.metadata(fake), timeout=patience(fault), attempts=2)
    call = vendor.call
    calls = [(call.path, call.key, partial(adapter.make_request, call.key, "user-1", call.payload))]
    if vendor.usage:
        calls.append((vendor.usage.path, vendor.usage.key, partial(usage, adapter, vendor)))
    if vendor.costs:
        calls.append((vendor.costs.path, vendor.costs.key, partial(costs, adapter, vendor)))
    for path, key, ask in calls:
        fake.heal()
        put(fake, path)
        with pytest.raises(kind) as caught:
            ask()
        assert words in caught.value.message
        assert caught.value.message.startswith(vendor.name)
        assert key not in str(caught.value)
    assert tracked == []
    fake.heal()
    key = vendor.states["good"].prepare(fake)
    put(fake, "*")
    tested = adapter.test_connection(key)
    assert not tested.success
    assert words in tested.message
    assert key not in repr(tested)


@with_pages
@pytest.mark.parametrize("fault", [name for name, (_, kind, _) in FAULTS.items() if not kind.permanent])
def test_a_fault_in_the_middle_of_a_walk_gives_nothing_at_all(
    fake: FakeProvider, make_adapter: MakeAdapter, vendor: Vendor, fault: str
) -> None:
    plant_20_days(fake, vendor)
    report = usage_report(vendor)
    adapter = make_adapter(vendor.provider, metadata=vendor.metadata(fake), timeout=patience(fault), attempts=1)
    fake.alter(report.path, lambda body: body, times=1)  # the first page is good
    FAULTS[fault][0](fake, report.path)
    walk = adapter.get_usage(report.key, DAY0, DAY0 + 20 * DAY, report.report)
    with pytest.raises(FAULTS[fault][1]):
        next(walk)
    assert len(fake.requests(report.path)) == 2


@with_pages
def test_a_temporary_fault_is_tried_again_and_leaves_no_trace(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, sleeps: list[float]
) -> None:
    plant_20_days(fake, vendor)
    report = usage_report(vendor)
    plain = usage(adapter, vendor, days=20)
    fake.fail(report.path, status=503, times=1, skip=1)
    fake.reset(report.path, times=1, skip=1)
    assert usage(adapter, vendor, days=20) == plain
    assert len(sleeps) == 2


@with_costs
def test_a_temporary_fault_of_costs_is_tried_again_too(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, sleeps: list[float]
) -> None:
    report = cost_report(vendor)
    plain = costs(adapter, vendor)
    fake.fail(report.path, status=503, times=1)
    fake.reset(report.path, times=1)
    assert costs(adapter, vendor) == plain
    assert len(sleeps) == 2


@with_pages
def test_a_key_revoked_in_the_middle_of_a_walk_is_rejected(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, sleeps: list[float]
) -> None:
    plant_20_days(fake, vendor)
    report = usage_report(vendor)
    fake.alter(report.path, lambda body: report.revoke(fake), times=1)
    with pytest.raises(errors.ProviderKeyRejected, match="wrong, revoked or expired"):
        usage(adapter, vendor, days=20)
    assert sleeps == []


@with_usage
def test_a_key_of_the_wrong_kind_is_told_so_by_the_usage_report(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    report = usage_report(vendor)
    with pytest.raises(errors.ProviderWrongKeyKind, match=report.wrong_key_words):
        usage(adapter, vendor, key=report.wrong_key)


@with_costs
def test_a_key_of_the_wrong_kind_is_told_so_by_the_cost_report(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    report = cost_report(vendor)
    with pytest.raises(errors.ProviderWrongKeyKind, match=report.wrong_key_words):
        costs(adapter, vendor, key=report.wrong_key)


@those(lambda v: v.names)
@pytest.mark.parametrize("status", [403, 404])
def test_names_are_a_courtesy(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, status: int) -> None:
    names = vendor.names
    assert names
    fake.load_examples(names.api, DAY0)
    everything = list(adapter.get_resources(names.key))
    fake.fail(names.path, status=status)
    fewer = list(adapter.get_resources(names.key))
    assert len(fewer) < len(everything)
    assert bool(fewer) == names.others
    assert set(r.external_id for r in fewer) < set(r.external_id for r in everything)


@those(lambda v: v.names)
def test_other_faults_while_reading_names_are_not_swallowed(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    names = vendor.names
    assert names
    fake.fail(names.path, status=500)
    with pytest.raises(errors.ProviderUnavailable):
        list(adapter.get_resources(names.key))
    fake.heal()
    names.revoke(fake)
    with pytest.raises(errors.ProviderKeyRejected):
        list(adapter.get_resources(names.key))
