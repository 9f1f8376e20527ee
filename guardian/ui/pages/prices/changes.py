"""What the price page does, each with its audit row; and what its forms mean."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.periods import DAY, local_midnight
from guardian.services.ledger import currencies, pricebook, repricing
from guardian.services.ledger.currencies import RatesAdded
from guardian.services.ledger.pricebook import NewPrice, OverrideView
from guardian.services.ledger.repricing import unpriced
from guardian.services.ledger.repricing.unpriced import Priced
from guardian.services.ledger.repricing.views import RepriceRequest, RepriceView
from guardian.ui.audited import Work, audited
from guardian.ui.pages.prices.rows import FIELDS

_YEARS = range(1990, 2200)


def chosen_provider(text: object) -> Provider:
    """Raises ValidationError for what is none."""
    if text not in Provider.__members__:
        raise ValidationError("Choose a provider.")
    return Provider(str(text))


def day_of(form: Mapping[str, Any], name: str) -> date | None:
    """The day of a date field; None where it is empty. Raises ValidationError."""
    text = str(form.get(name) or "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise ValidationError(f"{text[:20]!r} is not a day. Choose one from the calendar.")
    return day


def start_of(form: Mapping[str, Any], name: str, tz: ZoneInfo) -> datetime | None:
    """Where that day begins."""
    day = day_of(form, name)
    return local_midnight(day, tz) if day else None


def end_of(form: Mapping[str, Any], name: str, tz: ZoneInfo) -> datetime | None:
    """Where that day ends."""
    day = day_of(form, name)
    return local_midnight(day + DAY, tz) if day else None


def number_of(text: object, what: str) -> Decimal | None:
    """The number of a field, with or without $ and %; None where it is empty. Raises ValidationError."""
    plain = str(text or "").strip().removeprefix("$").removesuffix("%").strip()
    if not plain:
        return None
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise ValidationError(f"{what}: {plain[:20]!r} is not a number like 2.50.") from None


def prices_of(form: Mapping[str, Any]) -> dict[str, Decimal]:
    """The fields of a form that hold dollars per million tokens, by unit."""
    found = {unit: number_of(form.get(unit), label) for unit, label in FIELDS.items()}
    return {unit: amount for unit, amount in found.items() if amount is not None}


def wanted_price(form: Mapping[str, Any], tz: ZoneInfo) -> NewPrice:
    """The agreed price that a form describes. Raises ValidationError."""
    return NewPrice(
        provider=chosen_provider(form.get("provider")),
        model_pattern=str(form.get("pattern") or ""),
        percent_of_list=number_of(form.get("percent"), "Percent of list"),
        prices=prices_of(form),
        valid_from=start_of(form, "first", tz),
        valid_to=end_of(form, "last", tz),
        note=str(form.get("note") or "") or None,
    )


def agreeing(wanted: NewPrice, *, confirm: bool) -> Work[OverrideView]:
    """Agree on a new price."""
    add = partial(pricebook.add_override, wanted=wanted, confirm=confirm)
    return audited("PRICE_CREATE", "price", add, partial(_about_price, confirmed=confirm))


def replacing(override_id: str, wanted: NewPrice, *, confirm: bool) -> Work[OverrideView]:
    """Let another price follow."""
    replace = partial(pricebook.replace_override, override_id=override_id, wanted=wanted, confirm=confirm)
    return audited("PRICE_UPDATE", "price", replace, partial(_about_price, replaces=override_id, confirmed=confirm))


def ending(override_id: str, at: datetime | None) -> Work[OverrideView]:
    """Let a price end."""
    return audited(
        "PRICE_UPDATE", "price", partial(pricebook.end_override, override_id=override_id, at=at), _about_price
    )


def deleting(override_id: str) -> Work[OverrideView | None]:
    """Take a price away, or end it where it has priced something."""
    return audited(
        "PRICE_DELETE",
        "price",
        partial(pricebook.delete_override, override_id=override_id),
        lambda left: (override_id, {**(left.facts if left else {}), "deleted": left is None}),
    )


def filling(
    provider: Provider, model: str, *, like: str | None = None, prices: Mapping[str, Decimal] | None = None
) -> Work[Priced]:
    """Price a model that has no price, and back-fill it."""
    fill = partial(
        unpriced.price_and_backfill, provider=provider, model=model, like=like, prices=prices or None, confirm=True
    )
    return audited(
        "PRICE_BACKFILL",
        "price",
        fill,
        lambda done: (done.override.id, {**done.override.facts, "like": like, "run": done.run.id}),
    )


def wanted_run(form: Mapping[str, Any], tz: ZoneInfo) -> RepriceRequest:
    """The dry run that a form describes. Raises ValidationError."""
    start, end = start_of(form, "first", tz), end_of(form, "last", tz)
    if start is None or end is None:
        raise ValidationError("Choose both a first and a last day.")
    provider = form.get("provider")
    return RepriceRequest(
        start=start,
        end=end,
        provider=chosen_provider(provider) if provider else None,
        model_pattern=str(form.get("pattern") or "") or None,
    )


def asking(wanted: RepriceRequest) -> Work[RepriceView]:
    """Ask for a dry run."""
    return audited("REPRICE_REQUEST", "reprice", partial(repricing.request_run, wanted=wanted), _about_run)


def applying(run_id: str) -> Work[RepriceView]:
    """Write what a dry run has shown."""
    return audited("REPRICE_APPLY", "reprice", partial(repricing.apply_run, run_id=run_id), _about_run)


def undoing(run_id: str) -> Work[RepriceView]:
    """Put back what a run has written."""
    return audited("REPRICE_UNDO", "reprice", partial(repricing.undo_run, run_id=run_id), _about_run)


def adding_rates(form: Mapping[str, Any]) -> Work[RatesAdded]:
    """Keep a day's rate, or a pasted list of them. Raises ValidationError."""
    pasted = str(form.get("csv") or "")
    currency, source = str(form.get("currency") or ""), str(form.get("source") or "")
    if pasted.strip():
        entries = currencies.read_rates(pasted)
    else:
        day, rate = day_of(form, "day"), number_of(form.get("rate"), "Rate")
        if day is None or rate is None:
            raise ValidationError("Give a day and its rate, or paste a list of them.")
        entries = [(day, rate)]
    add = partial(currencies.add_rates, currency=currency, entries=entries, source=source)
    return audited(
        "RATES_ADD",
        "currency",
        add,
        lambda done: (currency.upper(), {"added": done.added, "changed": done.changed, "source": source}),
    )


def choosing(currency: str) -> Work[str]:
    """Show amounts in that currency too."""
    choose = partial(currencies.choose_currency, currency=currency)
    return audited("ORGANIZATION_UPDATE", "organization", choose, lambda code: (None, {"currency": code}))


def _about_price(view: OverrideView, **more: Any) -> tuple[str, dict[str, Any]]:
    return view.id, {**view.facts, **more}


def _about_run(view: RepriceView) -> tuple[str, dict[str, Any]]:
    return view.id, dict(view.facts)
