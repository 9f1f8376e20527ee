"""Price sheets: one model's unit prices at a time, in a tier, place and contract; made once and kept."""

from datetime import UTC, date, datetime, time
from functools import lru_cache

from genai_prices.data_snapshot import DataSnapshot, get_snapshot

from guardian.models.enums import Provider
from guardian.pricing.catalog import Catalog, ListPrice
from guardian.pricing.compiling import compile_sheet
from guardian.pricing.overrides import Override
from guardian.pricing.processing import STANDARD, Processing
from guardian.pricing.rates import Rate, Sheet
from guardian.pricing.shares import SHARES
from guardian.pricing.supplements import SERVICES

__all__ = ["SHARES", "STANDARD", "Rate", "Sheet", "Sheets", "sheets"]


class Sheets:
    """Sheets of one catalog snapshot. A sheet is made once per model, UTC day, processing, place and contract."""

    def __init__(self, snapshot: DataSnapshot) -> None:
        self.snapshot = snapshot
        self.catalog = Catalog(snapshot)
        # 8,192 sheets of some 5 kB: a year of days for 22 models, or 90 days for 90.
        self._by_day = lru_cache(maxsize=8192)(self._make)
        self._lists: dict[str, Override] = {}

    def find(
        self,
        provider: Provider,
        model: str,
        moment: datetime,
        processing: Processing = STANDARD,
        geo: str | None = None,
        override: Override | None = None,
        own: Override | None = None,
    ) -> Sheet | None:
        """The sheet at `moment` (UTC), or None when neither the catalog nor a customer's price knows one.

        `own` are the prices of a CUSTOM key, `override` those that an organization agreed.
        """
        day = moment.date()
        sheet = self._by_day(provider, model, day, None, processing, geo, override, own)
        if sheet is not None and sheet.by_time:
            return self._make(provider, model, day, moment.timetz(), processing, geo, override, own)
        return sheet

    def own_of(self, catalog_id: str) -> Override:
        """A list of one of the catalog's providers, as a CUSTOM key that is one has it."""
        if catalog_id not in self._lists:
            self._lists[catalog_id] = Override(
                id=catalog_id,
                provider=Provider.CUSTOM,
                model_pattern="*",
                valid_from=datetime.min.replace(tzinfo=UTC),
                key_id=catalog_id,
                catalog=catalog_id,
            )
        return self._lists[catalog_id]

    def _make(
        self,
        provider: Provider,
        model: str,
        day: date,
        clock: time | None,
        processing: Processing,
        geo: str | None,
        override: Override | None,
        own: Override | None,
    ) -> Sheet | None:
        moment = datetime.combine(day, clock or time.min, UTC)
        catalog_id = own.catalog if own else None
        listed = self.catalog.list_price(provider, model, moment, processing.context(), catalog_id)
        if listed is None and (provider, model) in SERVICES:
            listed = ListPrice(ref=model, version=self.catalog.version, prices={})
        if listed is None and not (override and override.prices) and not (own and own.prices):
            return None
        return compile_sheet(provider, listed, own, override, day, processing, geo)


_sheets: Sheets | None = None


def sheets() -> Sheets:
    """The sheets of the catalog's current snapshot; made anew when the catalog was updated."""
    global _sheets
    snapshot = get_snapshot()
    if _sheets is None or _sheets.snapshot is not snapshot:
        _sheets = Sheets(snapshot)
    return _sheets
