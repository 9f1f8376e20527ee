"""The price book of an organization: list prices at a moment, and the prices that it agreed with its providers."""

from guardian.services.ledger.pricebook.agreeing import (
    add_override,
    delete_override,
    end_override,
    preview,
    replace_override,
)
from guardian.services.ledger.pricebook.reading import get_override, list_overrides, look_up
from guardian.services.ledger.pricebook.rules import NEEDS_CONFIRMATION
from guardian.services.ledger.pricebook.views import (
    Example,
    FarOff,
    NewPrice,
    OverrideView,
    Preview,
    PriceView,
    UnitPrice,
)

__all__ = [
    "NEEDS_CONFIRMATION",
    "Example",
    "FarOff",
    "NewPrice",
    "OverrideView",
    "Preview",
    "PriceView",
    "UnitPrice",
    "add_override",
    "delete_override",
    "end_override",
    "get_override",
    "list_overrides",
    "look_up",
    "preview",
    "replace_override",
]
