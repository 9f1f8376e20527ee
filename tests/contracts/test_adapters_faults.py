"""What every adapter must do when the provider fails or refuses: one class, one sentence, nothing half done."""

from collections.abc import Callable
from typing import Any

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.contracts.vendors import DAY, DAY0, T0, VENDORS, Vendor, costs, usage
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.provider_server import FakeProvider

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)


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
