"""What every adapter must do with answers that cannot be trusted: say which field, and give nothing."""

import re
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.contracts.test_adapters import those, with_costs, with_pages, with_usage
from tests.contracts.vendors import T0, Vendor, cost_report, costs, usage, usage_report
from tests.contracts.vendors.shape import Change
from tests.fakes.provider_server import FakeProvider


def alter(fake: FakeProvider, path: str, change: Change, name: str, value: Any, times: int | None = None) -> None:
    fake.alter(path, partial(_changed, change, name, value), times=times)


def _changed(change: Change, name: str, value: Any, body: dict[str, Any]) -> None:
    change(body, name, value)


@with_usage
@pytest.mark.parametrize("value", [..., None], ids=["absent", "null"])
def test_a_missing_field_of_usage_is_refused_by_its_name(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, value: Any
) -> None:
    report = usage_report(vendor)
    report.plant(fake, T0, 100, 10, "key_a")
    for name in report.required:
        fake.heal()
        alter(fake, report.path, report.change, name, value)
        with pytest.raises(errors.ProviderContractBroken, match=rf"^{vendor.name}'s .* lacks the field {name},"):
            usage(adapter, vendor)


@with_costs
@pytest.mark.parametrize("value", [..., None], ids=["absent", "null"])
def test_a_missing_field_of_costs_is_refused_by_its_name(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, value: Any
) -> None:
    report = cost_report(vendor)
    report.plant(fake, T0, Decimal(1), "something")
    for name in report.required:
        fake.heal()
        alter(fake, report.path, report.change, name, value)
        with pytest.raises(errors.ProviderContractBroken, match=rf"^{vendor.name}'s .* lacks the field {name},"):
            costs(adapter, vendor)


@with_usage
def test_a_count_that_is_no_count_is_refused_by_its_name(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    report = usage_report(vendor)
    report.plant(fake, T0, 100, 10, "key_a")
    for value in report.not_counts:
        fake.heal()
        alter(fake, report.path, report.change, report.count_field, value)
        words = rf"a field {re.escape(report.count_field)} that is not a (whole |finite )?number"
        with pytest.raises(errors.ProviderContractBroken, match=words):
            usage(adapter, vendor)


@with_usage
def test_a_page_without_its_envelope_is_refused(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    report = usage_report(vendor)
    for name in report.envelope:
        fake.heal()
        fake.alter(report.path, partial(_without, name))
        with pytest.raises(errors.ProviderContractBroken, match=f"lacks the field {name},"):
            usage(adapter, vendor)
        if name == "has_more":
            fake.heal()
            fake.alter(report.path, lambda body: body | {"has_more": True, "next_page": None})
            with pytest.raises(errors.ProviderContractBroken, match="there is more, but not where"):
                usage(adapter, vendor)


def _without(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k != name}


@those(lambda v: v.costs and v.costs.currency)
def test_money_of_another_currency_is_refused(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    report = cost_report(vendor)
    assert report.currency
    report.plant(fake, T0, Decimal(1), "something")
    alter(fake, report.path, report.change, report.currency, "EUR")
    with pytest.raises(errors.ProviderContractBroken, match="EUR"):
        costs(adapter, vendor)


@with_costs
@pytest.mark.parametrize("value", ["NaN", "Infinity", "twelve", "1e30", True, [], {}], ids=repr)
def test_an_amount_that_is_no_amount_is_refused(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, value: Any
) -> None:
    report = cost_report(vendor)
    report.plant(fake, T0, Decimal(1), "something")
    alter(fake, report.path, report.change, report.amount_field, value)
    with pytest.raises(errors.ProviderContractBroken, match=re.escape(report.amount_field)):
        costs(adapter, vendor)


@with_pages
@pytest.mark.parametrize("repeat", [True, False], ids=["same token", "fresh tokens"])
def test_pages_of_usage_without_end_are_refused(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, repeat: bool
) -> None:
    report = usage_report(vendor)
    report.plant(fake, T0, 100, 10, "key_a")
    fake.endless(report.path, repeat_token=repeat)
    with pytest.raises(errors.ProviderContractBroken, match="pages without end"):
        usage(adapter, vendor)
    assert len(fake.log) < 10


@those(lambda v: v.costs and v.costs.endless)
@pytest.mark.parametrize("repeat", [True, False], ids=["same token", "fresh tokens"])
def test_pages_of_costs_without_end_are_refused(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, repeat: bool
) -> None:
    report = cost_report(vendor)
    report.plant(fake, T0, Decimal(1), "something")
    fake.endless(report.path, repeat_token=repeat)
    with pytest.raises(errors.ProviderContractBroken, match="pages without end"):
        costs(adapter, vendor)
    assert len(fake.log) < 10
