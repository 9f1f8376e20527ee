"""From a line of the dashboard into the explorer: the same range, the line's values as filters."""

from collections.abc import Mapping

from guardian.ui.pages.usage.address import Address
from guardian.ui.pages.usage.words import deeper
from guardian.ui.ranges import CUSTOM, Range


def into(span: Range, values: Mapping[str, str | None]) -> str:
    """The explorer with these values by dimension (None for "has none"), grouped by what they leave open.

    Where they leave nothing open, the single rows.
    """
    days = [("from", span.first.isoformat()), ("to", span.last.isoformat())]
    further = deeper("", set(values) | {"operation", "tier", "user"})
    pairs = [
        *(days if span.preset == CUSTOM else [("range", span.preset)]),
        *((name, value or "") for name, value in values.items()),
        ("groupBy", further) if further else ("tab", "rows"),
    ]
    return Address.of(pairs).href
