"""What only single usage rows tell, read where sums ask for it: reported bills by kind, calls that are there twice."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from guardian.models.bills import LINES_IN_SQL, code_of, unit_of
from guardian.models.enums import Provider
from guardian.periods import Window
from guardian.services.ledger.reconciliation.books import ZERO, Cell, Spot
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT, TOKEN_KINDS, bill_kind
from guardian.services.ledger.reconciliation.pricing import settle
from guardian.services.ledger.reconciliation.reading import window_of

# Calls that are looked at for repetitions: a second's worth. Days with the greatest difference come first.
MOST_PROBED = 20_000

# Tokens are counted by the rollups already: numbers are read where nothing else tells them.
_BILLS = text(f"""
    SELECT CAST(timezone('UTC', timestamp) AS date), provider, account_id, external_key_id, model, service_tier,
           code, sum(quantity) FILTER (WHERE code <> ALL (:tokens)), sum(amount)
    FROM usage_logs {LINES_IN_SQL}
    WHERE origin = 'sync' AND organization_id = :organization AND timestamp >= :start AND timestamp < :end
      AND CAST(timezone('UTC', timestamp) AS date) = ANY(:days)
      AND CAST(provider AS text) || ' ' || model = ANY(:models)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
""")  # noqa: S608  # made of our own names
# The planner takes a bill for a hundred lines (there are three) and would sort all of them on disk: of 400,000 rows
# that is a third of the time. What is hashed instead is one entry for each amount that is asked for.
_HASHED = ("SET LOCAL jit = off", "SET LOCAL enable_sort = off", "SET LOCAL work_mem = '64MB'")
_AS_BEFORE = ("SET LOCAL jit TO DEFAULT", "SET LOCAL enable_sort TO DEFAULT", "SET LOCAL work_mem TO DEFAULT")

_INPUTS, _OUTPUTS = (
    tuple(f"coalesce({share}, 0)" for share in shares) for shares in (TOKEN_KINDS[1:9], TOKEN_KINDS[10:])
)
_COUNTED = ", ".join(
    f"max({column}) * (count(*) - 1)"
    for column in (
        " - ".join(("input_tokens", *_INPUTS)),
        *_INPUTS,
        " - ".join(("output_tokens", *_OUTPUTS)),
        *_OUTPUTS,
    )
)
# The same call: the provider's id of its answer where it was kept, else the very same instant and the same counts.
_REPEATS = text(f"""
    SELECT CAST(timezone('UTC', min(timestamp)) AS date), provider, account_id, external_key_id, model, service_tier,
           api_key_id, count(*) - 1, sum(cost) - max(cost), {_COUNTED}
    FROM usage_logs
    WHERE origin <> 'sync' AND organization_id = :organization AND timestamp >= :start AND timestamp < :end
      AND total_tokens > 0
      AND CAST(timezone('UTC', timestamp) AS date) || ' ' || CAST(provider AS text) || ' ' || model = ANY(:places)
    GROUP BY provider, account_id, external_key_id, model, service_tier, api_key_id,
             coalesce(metadata->>'responseId', CAST(timestamp AS text)),
             input_tokens, output_tokens, coalesce(cache_read_tokens, 0), coalesce(cache_write_5m_tokens, 0),
             coalesce(cache_write_1h_tokens, 0)
    HAVING count(*) > 1
""")  # noqa: S608  # made of names in this file


def split_by_bills(session: Session, organization_id: str, cells: Mapping[Spot, Cell], unsplit: Sequence[Spot]) -> None:
    """Tell reported costs by kind, from the rows' own bills; what these do not tell stays NOT_SPLIT."""
    if not unsplit:
        return
    rows = _read_bills(session, organization_id, unsplit)
    amounts: dict[Spot, dict[str, Decimal]] = {}
    units: dict[Spot, dict[str, Decimal]] = {}
    for day, provider, account, key, model, tier, code, quantity, amount in rows:
        spot, kind = Spot(day, Provider(provider), account, key, model, tier), bill_kind(unit_of(code))
        of = amounts.setdefault(spot, {})
        of[kind] = of.get(kind, ZERO) + amount
        if kind not in TOKEN_KINDS and kind != NOT_SPLIT:
            counted = units.setdefault(spot, {})
            counted[kind] = counted.get(kind, ZERO) + quantity
    for spot in unsplit:
        cell, found = cells[spot], amounts.get(spot, {})
        if found and settle(cell, found):
            cell.quantities |= units.get(spot, {})
        else:
            cell.amounts = {NOT_SPLIT: cell.cost} if cell.cost else {}


def _read_bills(session: Session, organization_id: str, unsplit: Sequence[Spot]) -> Sequence[Any]:
    """The bills of all reported rows of these days and models, summed up by spot and unit."""
    run = session.connection().execute
    days = sorted({spot.day for spot in unsplit})
    window = window_of(days[0], days[-1])
    asked = {
        "organization": organization_id,
        "start": window.start,
        "end": window.end,
        "days": days,
        "models": sorted({f"{spot.provider.value} {spot.model}" for spot in unsplit}),
        "tokens": [code_of(kind) for kind in TOKEN_KINDS],
    }
    for setting in _HASHED:
        run(text(setting))
    found = run(_BILLS, asked).fetchall()
    for setting in _AS_BEFORE:
        run(text(setting))
    return found


def read_repeats(
    session: Session, organization_id: str, window: Window, places: Iterable[tuple[date, Provider, str | None]]
) -> list[tuple[Spot, str | None, int, Decimal, dict[str, Decimal]]]:
    """Tracked calls at these days and models that are there more than once: (spot, vault key, further rows, their
    cost, their tokens by kind).
    """
    names = sorted({f"{day} {provider.value} {model}" for day, provider, model in places})
    if not names:
        return []
    rows: Iterable[Any] = session.connection().execute(
        _REPEATS, {"organization": organization_id, "start": window.start, "end": window.end, "places": names}
    )
    return [
        (
            Spot(row[0], Provider(row[1]), *row[2:6]),
            row[6],
            row[7],
            row[8] or ZERO,
            {kind: Decimal(number) for kind, number in zip(TOKEN_KINDS, row[9:], strict=True) if number},
        )
        for row in rows
    ]
