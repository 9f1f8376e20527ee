"""What every adapter must do with answers that cannot be trusted: say which field, and give nothing."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.contracts.vendors import T0, VENDORS, Vendor, costs, usage
from tests.fakes.provider_server import FakeProvider

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)


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
