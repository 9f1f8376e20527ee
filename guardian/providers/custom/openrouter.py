"""OpenRouter besides OpenAI's API: what a key is, the account's credit, and its activity of the last 30 days."""

from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, date, datetime, time
from typing import TypeVar

from guardian.errors import ProviderError, ProviderForbidden, ProviderKeyRejected, ProviderWrongKeyKind
from guardian.models.enums import Provider
from guardian.periods import DAY, Window, floor_day, utcnow
from guardian.providers.custom.wire import Wire
from guardian.providers.reports.buckets import add_cost, add_usage, aligned, cost_identity, usage_identity
from guardian.providers.reports.reading import Row
from guardian.records import Balance, CostBucket, CostRecord, TestResult, UsageBucket, UsageCounts, UsageRecord

REPORT = "activity"
KEPT = 30 * DAY  # completed UTC days that the activity reaches back
_KEYS_PAGE = "https://openrouter.ai/settings/management-keys"
_WHERE = "OpenRouter's activity"
R = TypeVar("R", UsageRecord, CostRecord)


def test(wire: Wire) -> TestResult:
    """Ask what the key is; of a management key, read the credit and yesterday's activity. Raises ProviderError."""
    key = _own_facts(wire, attempts=1)
    if not (key.maybe_flag("is_management_key") or key.maybe_flag("is_provisioning_key")):
        return TestResult(
            success=True,
            message="This key works for inference. Usage needs an admin key, which OpenRouter calls a management key: "
            "add one beside it.",
            kind="inference",
            account_id=key.maybe_text("creator_user_id"),
        )
    yesterday = floor_day(utcnow()) - DAY
    wire.get("/activity", [("date", f"{yesterday:%Y-%m-%d}")], attempts=1)
    return TestResult(
        success=True,
        message="This management key works: what the account used and spent, and its credit, can be read.",
        kind="admin",
        account_id=key.maybe_text("creator_user_id"),
        balance=balance(wire, attempts=1),
    )


test.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest would take it for a test


def balance(wire: Wire, attempts: int | None = None) -> Balance | None:
    """Credits are dollars; what was bought less what was used."""
    credits = Row(wire.get("/credits", attempts=attempts).body, "OpenRouter's credits").child("data")
    return Balance(credits.money("total_credits") - credits.money("total_usage"))


def reported(window: Window) -> Window:
    """The completed UTC days that the activity still knows at the end of the window."""
    end = floor_day(window.end)
    return Window(min(max(window.start, end - KEPT), end), end)


def usage(wire: Wire, start: datetime, end: datetime) -> Iterator[UsageBucket]:
    for day, records in _days(wire, start, end, _usage, usage_identity, add_usage):
        yield UsageBucket(series=REPORT, start=day, end=day + DAY, records=records)


def costs(wire: Wire, start: datetime, end: datetime) -> Iterator[CostBucket]:
    for day, records in _days(wire, start, end, _costs, cost_identity, add_cost):
        yield CostBucket(start=day, end=day + DAY, records=records)


def _days(
    wire: Wire,
    start: datetime,
    end: datetime,
    read: Callable[[Row, datetime], list[R]],
    identity: Callable[[R], Hashable],
    add: Callable[[R, R], R],
) -> Iterator[tuple[datetime, tuple[R, ...]]]:
    """Each completed day that the activity reaches back to, also when it is empty; older days are unknown.

    One request without a date brings them all.
    """
    asked, today = aligned(start, end, floor_day, DAY), floor_day(utcnow())
    window = Window(max(asked.start, today - KEPT), min(asked.end, today))
    if window.end <= window.start:
        return
    found: dict[datetime, dict[Hashable, R]] = {day.start: {} for day in window.chunks(DAY)}
    page = Row(_activity(wire), _WHERE)
    for row in page.rows("data"):
        day = _day(row)
        for record in read(row, day) if day in found else ():
            records, key = found[day], identity(record)
            records[key] = add(records[key], record) if key in records else record
    for day, records in found.items():
        yield day, tuple(records.values())


def _activity(wire: Wire) -> object:
    """Raises ProviderWrongKeyKind for a good key that is no management key."""
    try:
        return wire.get("/activity").body
    except (ProviderKeyRejected, ProviderForbidden) as refused:
        try:
            _own_facts(wire)
        except ProviderError:
            raise refused from None
        raise ProviderWrongKeyKind(
            "This OpenRouter key is for inference and cannot read usage. Create an admin key (OpenRouter says "
            f"management key) at {_KEYS_PAGE} and replace this one.",
            upstream_status=refused.upstream_status,
        ) from None


def _own_facts(wire: Wire, attempts: int | None = None) -> Row:
    return Row(wire.get("/key", attempts=attempts).body, "OpenRouter's description of the key").child("data")


def _day(row: Row) -> datetime:
    # "2026-11-20", or "2026-11-20 00:00:00" of the same meaning.
    text = row.text("date")
    try:
        return datetime.combine(date.fromisoformat(text[:10]), time.min, UTC)
    except ValueError:
        raise row.wrong("date", "a day") from None


def _usage(row: Row, day: datetime) -> list[UsageRecord]:
    """A row as a record; its price is what OpenRouter took, and what was paid at the vendor with a key of one's own."""
    counts = UsageCounts(
        input_tokens=row.count("prompt_tokens"),
        output_tokens=row.count("completion_tokens"),
        reasoning_tokens=row.count_or_zero("reasoning_tokens"),
    )
    if problems := counts.problems():
        raise row.wrong("completion_tokens", f"sound ({'; '.join(problems)})")
    return [
        UsageRecord(
            provider=Provider.CUSTOM,
            operation="completion",
            model=row.text("model"),
            start=day,
            end=day + DAY,
            counts=counts,
            requests=row.count("requests"),
            dimensions=_dimensions(row),
            provider_cost=row.money("usage") + (row.maybe_number("byok_usage_inference") or 0),
        )
    ]


def _costs(row: Row, day: datetime) -> list[CostRecord]:
    model, vendor = row.text("model"), row.maybe_text("provider_name") or "the vendor"
    own = row.money("byok_usage_inference") if row.raw.get("byok_usage_inference") is not None else None
    lines = [(model, row.money("usage")), (f"{model}, paid at {vendor} with your own key", own)]
    return [
        CostRecord(
            provider=Provider.CUSTOM,
            start=day,
            end=day + DAY,
            amount=amount,
            line_item=line,
            model=model,
            dimensions=_dimensions(row),
        )
        for line, amount in lines
        if amount
    ]


def _dimensions(row: Row) -> dict[str, str]:
    return {name: value for name in ("endpoint_id", "provider_name") if (value := row.maybe_text(name)) is not None}
