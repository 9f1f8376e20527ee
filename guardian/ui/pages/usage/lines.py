"""From a single usage row of the ledger to a line of the explorer's table; pure functions."""

from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from guardian.models.enums import CostSource, UsageOrigin
from guardian.periods import utcnow
from guardian.services.ledger.views import UsageView
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.pages.usage.address import Address
from guardian.ui.pages.usage.words import value
from guardian.ui.rows import Money


@dataclass(frozen=True)
class UsageRow:
    """A single usage row of the table; times in the page's zone, `moment` in UTC for machines."""

    key: str
    when: str
    when_title: str
    moment: str
    model: str
    model_title: str
    color: str
    provider: str
    operation: str
    tier: str
    project: str
    project_title: str
    provider_key: str
    provider_key_title: str
    person: str
    session: str
    tags: str
    book: str
    requests: str
    requests_csv: str
    input: str
    input_csv: str
    output: str
    output_csv: str
    money: Money
    href: str


def usage_row(view: UsageView, address: Address, tz: ZoneInfo) -> UsageRow:
    """A line of the table of rows."""
    names = view.names
    key_id = view.external_key_id or view.api_key_id or ""
    key_name = names.get("providerKey") or names.get("apiKey") or format.short_id(key_id)
    project = names.get("project") or format.short_id(view.project_id or "")
    person = (
        names.get("user") if view.origin is not UsageOrigin.SYNC else names.get("externalUser") or view.external_user_id
    )
    return UsageRow(
        key=view.id,
        when=span(view, tz).replace(f" {utcnow().astimezone(tz):%Y}", ""),
        when_title=f"{view.timestamp.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        moment=view.timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        model=format.cut(view.model),
        model_title=view.model,
        color=provider_color(view.provider),
        provider=provider_name(view.provider),
        operation=view.operation,
        tier=view.service_tier or "–",
        project=format.cut(project, 28) or "–",
        project_title=view.project_id or "",
        provider_key=format.cut(key_name, 28) or "–",
        provider_key_title=key_id,
        person=format.cut(person or "–", 28),
        session=format.cut(view.session or "–", 24),
        tags=", ".join(f"{key}={tag}" for key, tag in sorted(view.tags.items())) or "–",
        book=value("origin", view.origin),
        requests="–" if view.requests is None else format.tokens(view.requests),
        requests_csv="" if view.requests is None else str(view.requests),
        input="–" if is_untold(view) else format.tokens(view.input_tokens),
        input_csv=str(view.input_tokens),
        output="–" if is_untold(view) else format.tokens(view.output_tokens),
        output_csv=str(view.output_tokens),
        money=cost(view),
        href=address.but({"row": view.id}).href,
    )


def is_untold(view: UsageView) -> bool:
    """Of a call that ended before its answer told what it used: its counts are unknown, none of them is a zero."""
    return view.cost is None and bool(view.error) and not (view.total_tokens or view.units)


def cost(view: UsageView) -> Money:
    """A row's amount, marked where it is unknown or an estimate."""
    if view.cost is None and is_untold(view):
        return Money.unknown("unknown", view.cost_reason or "What it used was never told. It is in no total.")
    if view.cost is None:
        return Money.unknown("unpriced", view.cost_reason or "No price is known for it. It is in no total.")
    estimated = view.cost_source is CostSource.ESTIMATED
    return Money.of(view.cost, (view.cost_reason or "This is an estimate.") if estimated else "")


def span(view: UsageView, tz: ZoneInfo) -> str:
    """When it was: to the second for a call, from–to for what a provider reports of a span."""
    start = view.timestamp.astimezone(tz)
    day = f"{start.day} {start:%b %Y}"
    if view.bucket_end is None:
        return f"{day} {start:%H:%M:%S}"
    end = view.bucket_end.astimezone(tz)
    if start.time() == end.time() and (end.date() - start.date()).days == 1:
        return f"{day}, whole day" if f"{start:%H%M}" == "0000" else f"{day} {start:%H:%M}, 24 h"
    return f"{day} {start:%H:%M}–{end:%H:%M}"
