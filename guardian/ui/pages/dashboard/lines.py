"""The dashboard's most expensive lines as text, and their order: pure functions."""

from collections.abc import Iterable
from decimal import Decimal

from guardian.services.ledger.views import ExpensiveLine
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.headline import total
from guardian.ui.pages.dashboard.links import into
from guardian.ui.ranges import Range
from guardian.ui.rows import Line

NUMERIC_SORTS = frozenset({"cost", "requests", "tokens"})
SORTS = NUMERIC_SORTS | {"model", "project", "provider_key"}


def lines(found: Iterable[ExpensiveLine], span: Range) -> list[Line]:
    """The rows of the table; what cost nothing is not expensive, what has no price may be."""
    return [_line(each, span) for each in found if each.totals.cost or each.totals.unpriced_rows]


def _line(found: ExpensiveLine, span: Range) -> Line:
    counts = found.totals
    return Line(
        key="\x1f".join(
            (
                found.provider,
                found.model,
                found.operation,
                found.project_id or "",
                found.provider_key_id or "",
                found.tier or "",
            )
        ),
        model=found.model,
        operation=found.operation,
        provider=provider_name(found.provider),
        color=provider_color(found.provider),
        project=found.project or "–",
        project_id=found.project_id or "",
        provider_key=found.provider_key or "–",
        provider_key_id=found.provider_key_id or "",
        tier=found.tier or "",
        money=total(counts),
        requests=counts.requests,
        requests_text=format.tokens(counts.requests) if counts.requests else "–",
        tokens=counts.tokens,
        tokens_text=format.tokens(counts.tokens),
        tokens_title=f"{format.number(counts.input_tokens)} in, {format.number(counts.output_tokens)} out, "
        f"{format.number(counts.cache_read_tokens)} read from cache",
        href=into(
            span,
            {
                "provider": found.provider,
                "model": found.model,
                "operation": found.operation,
                "project": found.project_id,
                "providerKey": found.provider_key_id,
                "tier": found.tier,
            },
        ),
    )


def sort_lines(unsorted: list[Line], column: str, descending: bool) -> list[Line]:
    """The lines by a column of SORTS; equal ones by amount."""
    by_cost = sorted(unsorted, key=_cost, reverse=True)
    if column == "cost":
        return by_cost if descending else by_cost[::-1]
    return sorted(by_cost, key=lambda each: getattr(each, column), reverse=descending)


def _cost(each: Line) -> Decimal:
    return Decimal(each.money.exact or 0)
