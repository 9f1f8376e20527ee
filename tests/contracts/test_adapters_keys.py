"""What every adapter must say of a key in each state that it can be in, and how single calls are tracked."""

import re
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import CostSource
from guardian.providers.base import BaseProvider
from guardian.providers.registry import describe
from guardian.providers.tracking import TrackedUsage
from tests.contracts.vendors import VENDORS, Vendor
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.provider_server import FakeProvider

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)


def test_each_state_of_a_key_is_told_apart(fake: FakeProvider, make_adapter: MakeAdapter, vendor: Vendor) -> None:
    said: set[str] = set()
    assert {"good", "bad"} <= vendor.states.keys()
    for name, state in vendor.states.items():
        with FakeProvider() as other:
            key = state.prepare(other)
            adapter = make_adapter(vendor.provider, metadata=vendor.metadata(other), urls=other.urls)
            tested = adapter.test_connection(key)
        assert (tested.success, tested.kind) == (state.code is None, state.kind), name
        assert tested.metadata.get("code") == state.code, name
        assert re.search(state.words, tested.message), tested.message
        assert key not in repr(tested)
        said.add(tested.message)
    assert len(said) == len(vendor.states)


def test_kinds_of_good_keys_are_those_that_people_are_offered(vendor: Vendor) -> None:
    offered = {kind.kind for kind in describe(vendor.provider).key_kinds}
    states = [state for each in VENDORS if each.provider is vendor.provider for state in each.states.values()]
    assert {state.kind for state in states if state.kind} == offered


def test_without_a_network_nothing_is_said_about_the_key(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    key = vendor.states["good"].prepare(fake)
    fake.stop()
    tested = adapter.test_connection(key)
    assert not tested.success
    assert tested.metadata["code"] == "PROVIDER_UNREACHABLE"
    assert tested.message.startswith(f"{vendor.name} (127.0.0.1) refused the connection")


@pytest.mark.parametrize("key", ["", "  ", "two words", "schlüssel-1234", "line\nbreak", "null\x00byte"], ids=repr)
def test_what_cannot_be_a_key_is_never_sent(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, key: str
) -> None:
    tested = adapter.test_connection(key)
    assert not tested.success
    assert "not a key" in tested.message
    assert fake.log == []


def test_a_key_pasted_with_white_space_works(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    key = vendor.states["good"].prepare(fake)
    assert adapter.test_connection(f"  {key}\n").success
    assert adapter.test_connection(adapter.clean_key(f"  {key}\n")).success


def test_a_call_is_tracked_and_its_answer_given_back_unchanged(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, tracked: list[TrackedUsage]
) -> None:
    call = vendor.call
    answer = adapter.make_request(call.key, "user-1", call.payload)
    (asked,) = fake.requests(call.path)
    assert answer == fake.answer(asked.vendor, asked.method, asked.target, asked.query, asked.headers, asked.body).body
    (found,) = tracked
    assert (found.user_id, found.response_id, found.status_code) == ("user-1", call.response_id, 200)
    assert found.usage.provider is vendor.provider
    assert (found.usage.model, found.usage.requests) == (call.model, 1)
    assert found.usage.start == found.usage.end
    assert found.usage.counts == call.counts
    assert found.cost.amount == Decimal("0.5")


def test_a_call_whose_answer_states_no_usage_has_no_price(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, tracked: list[TrackedUsage]
) -> None:
    call = vendor.call

    def forget(body: dict[str, Any]) -> None:
        del body[call.usage_field]

    fake.alter(call.path, forget)
    adapter.make_request(call.key, "user-1", call.payload)
    assert tracked[0].cost.source is CostSource.UNPRICED
    assert tracked[0].cost.amount is None
    assert "states no usage" in (tracked[0].cost.reason or "")


def test_a_call_is_not_sent_twice_when_its_answer_is_lost(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, tracked: list[TrackedUsage]
) -> None:
    call = vendor.call
    fake.break_off(call.path)
    with pytest.raises(errors.ProviderUnreachable):
        adapter.make_request(call.key, "user-1", call.payload)
    assert len(fake.requests(call.path)) == 1
    assert tracked == []


def test_a_call_that_nobody_would_track_is_not_sent(
    fake: FakeProvider, make_adapter: MakeAdapter, vendor: Vendor
) -> None:
    adapter = make_adapter(vendor.provider, metadata=vendor.metadata(fake), sink=None)
    with pytest.raises(errors.ProviderError, match="without a ledger"):
        adapter.make_request(vendor.call.key, "user-1", vendor.call.payload)
    assert fake.log == []
