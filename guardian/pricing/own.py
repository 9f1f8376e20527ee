"""The prices of a CUSTOM key's own, out of its metadata: the list of a server that no catalog knows.

In the metadata: `prices`, lines like "llama-* input 0.2 output 0.6 from 2026-01-01", or a list of such lines or of
objects {"model": "llama-*", "from": "2026-01-01", "to": null, "inputTokens": "0.2", "outputTokens": "0.6", …}, in
dollars per million units; and `catalog`, the catalog's name of the service (openrouter, mistral, azure, …), whose list
holds for what has no price of its own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, cast

from genai_prices.data_snapshot import get_snapshot

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.pricing.overrides import Override
from guardian.pricing.units import mistaken

# The services that the adapter for CUSTOM keys knows by name are in the catalog under the same name.
_PRESETS = frozenset({"openrouter", "deepseek"})
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_NOT_PRICES = ("model", "from", "to")
# Short words for the units that nearly all prices are of; any other unit is called by its name.
_WORDS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cache_read_tokens",
    "written": "cache_write_tokens",
}
_MOST_PRICES = 200


def key_prices(key_id: str, metadata: Mapping[str, Any]) -> tuple[Override, ...]:
    """A CUSTOM key's own list, to be given to `price` among the overrides, with the same key id; empty without one.

    Raises ValidationError, with the field, for prices that make no sense and a catalog that there is not.
    """
    catalog = _catalog(metadata)
    given: object = metadata.get("prices") or []
    if isinstance(given, str):
        given = [line for line in given.splitlines() if line.strip()]
    if not isinstance(given, list) or len(cast("list[object]", given)) > _MOST_PRICES:
        _refuse("prices", f"give a list of at most {_MOST_PRICES} prices")
    found = [_price(key_id, place, item, catalog) for place, item in enumerate(cast("list[object]", given))]
    if catalog is not None:
        found.append(
            Override(
                id=key_id,
                provider=Provider.CUSTOM,
                model_pattern="*",
                valid_from=_ALWAYS,
                key_id=key_id,
                catalog=catalog,
            )
        )
    return tuple(found)


def catalog_names() -> tuple[str, ...]:
    """The services that the catalog knows, for a choice."""
    return tuple(sorted(source.id for source in get_snapshot().providers))


def _catalog(metadata: Mapping[str, Any]) -> str | None:
    named: object = metadata.get("catalog") or None
    if named is None:
        preset: object = metadata.get("preset")
        return preset if isinstance(preset, str) and preset in _PRESETS else None
    if not isinstance(named, str) or named not in catalog_names():
        _refuse("catalog", f"choose one of {', '.join(catalog_names())}")
    return named


def _price(key_id: str, place: int, item: object, catalog: str | None) -> Override:
    field = f"prices[{place}]"
    given = _of_line(field, item) if isinstance(item, str) else item
    if not isinstance(given, Mapping):
        _refuse(field, "give a line like: llama-* input 0.2 output 0.6")
    given = cast("Mapping[str, object]", given)
    pattern = given.get("model")
    if not isinstance(pattern, str) or not pattern.strip():
        _refuse(f"{field}.model", "name a model, or a pattern like llama-*")
    numbers = {_HUMP.sub(r"_\1", name).lower(): value for name, value in given.items() if name not in _NOT_PRICES}
    for unit in numbers:
        if mistaken(unit):
            _refuse(f"{field}.{unit}"[:100], f"there is no such unit; use {', '.join(_WORDS)}, or a unit of a bill")
    prices = {unit: _amount(f"{field}.{unit}", value) for unit, value in numbers.items()}
    if not prices:
        _refuse(field, "give at least one price, as inputTokens or outputTokens")
    since, until = (_moment(f"{field}.{name}", given.get(name)) for name in ("from", "to"))
    try:
        return Override(
            id=key_id,
            provider=Provider.CUSTOM,
            model_pattern=pattern.strip(),
            valid_from=since or _ALWAYS,
            valid_to=until,
            prices=prices,
            key_id=key_id,
            catalog=catalog,
        )
    except ValidationError as error:
        _refuse(field, error.message)


def _of_line(field: str, line: str) -> dict[str, object]:
    """The model, then words and their values by turns."""
    model, *rest = line.split()
    if len(rest) % 2:
        _refuse(field, "give a line like: llama-* input 0.2 output 0.6")
    pairs = {_WORDS.get(word, word): value for word, value in zip(rest[::2], rest[1::2], strict=True)}
    return {"model": model, **pairs}


def _amount(field: str, value: object) -> Decimal:
    try:
        stated = isinstance(value, (str, int, Decimal, float)) and not isinstance(value, bool)
        # The database gives JSON numbers back as floats, whose shortest text is what was written.
        amount = Decimal(str(value)) if stated else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < 10**9:
        _refuse(field, "give dollars per million as a decimal number of zero or more")
    return amount


def _moment(field: str, value: object) -> datetime | None:
    """A day or a moment as UTC."""
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        _refuse(field, "give a date like 2026-01-31")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _refuse(field: str, wish: str) -> NoReturn:
    raise ValidationError(f"metadata.{field}: {wish}.", details=[{"field": f"metadata.{field}", "message": f"{wish}."}])
