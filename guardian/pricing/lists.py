"""The list to look at: what a model costs at a moment, and which listed models are nearest to one that has no price."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import SequenceMatcher

from genai_prices.types import ConditionalPrice, ModelInfo, StartDateConstraint, TieredPrices

from guardian.models.enums import Provider
from guardian.pricing.catalog import CATALOG_IDS, UnitPrice
from guardian.pricing.rates import Rate
from guardian.pricing.shares import SHARES
from guardian.pricing.sheets import sheets
from guardian.pricing.supplements import DERIVED

_MILLION = 1_000_000
_PLACES = Decimal("1e-10")
_SHARES = frozenset(share.unit for share in SHARES)
_DERIVED = frozenset(share.unit for share in DERIVED)
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)*")
_DATE = re.compile(r"[-@](20\d{6}|20\d\d-\d\d-\d\d|\d{4})(?=$|-)")
# Words of names that tell what a model is for, where that is not text.
_PURPOSES = {
    **dict.fromkeys(("embedding", "embeddings", "embed"), "embeddings"),
    **dict.fromkeys(("audio", "realtime", "tts", "speech", "voice", "native"), "speech"),
    **dict.fromkeys(("transcribe", "transcription", "whisper", "stt"), "transcription"),
    **dict.fromkeys(("image", "images", "imagen", "imagine", "dall"), "pictures"),
    **dict.fromkeys(("video", "veo", "sora"), "video"),
    **dict.fromkeys(("moderation", "guard", "safeguard"), "moderation"),
    **dict.fromkeys(("rerank", "reranker"), "ranking"),
}
# Where a CUSTOM server's models are looked for: their makers' own lists, and the list that has nearly all.
_CUSTOM_SOURCES = ("mistral", "deepseek", "meta", "openrouter")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """A listed model's prices in standard processing, in dollars per million units, by the unit names of overrides.

    `tiers` are the prices of longer requests: above so many input tokens, the units that then cost something else.
    `source`, `version` and `since` (the day from which the list has had this price, where it says so) are its origin.
    `doubts` say of a fee why it may not be the real one.
    """

    provider: Provider
    model: str
    prices: Mapping[str, Decimal]
    tiers: tuple[tuple[int, Mapping[str, Decimal]], ...]
    doubts: Mapping[str, str]
    source: str
    version: str | None
    since: date | None


def list_price(provider: Provider, model: str, moment: datetime) -> ListedPrice | None:
    """The list price of a model at a moment (UTC), or None where the list does not know the model."""
    return _listed(provider, model, moment, CATALOG_IDS.get(provider))


def nearest_models(provider: Provider, model: str, moment: datetime, n: int = 3) -> tuple[ListedPrice, ...]:
    """The `n` listed models nearest to a name, the nearest first: a suggestion for a model that has no price.

    What is for the same (pictures, speech, embeddings, text) comes before what is for something else, then what is of
    the same family. Within that, near is by name: the words that two names share, the earlier ones counting more, then
    the version that is least far off. Models without a token price, and those that share no word, are never suggested.
    """
    wanted = _words(model)
    if not wanted:
        return ()
    near = (
        ((_purpose(wanted) != _purpose(words), _family(wanted) != _family(words), distance), listed.id, source)
        for source, listed in _candidates(provider)
        if (distance := _distance(wanted, words := _words(listed.id)))[0] < 0
    )
    found: list[ListedPrice] = []
    for _, name, source in sorted(near):
        if len(found) == n:
            break
        listed = _listed(provider, name, moment, source)
        if listed is not None and "input_tokens" in listed.prices and all(f.model != name for f in found):
            found.append(listed)
    return tuple(found)


def why_near(model: str, listed: str) -> str:
    """Why the one is suggested for the other, in a sentence."""
    wanted, found = _words(model), _words(listed)
    family, purpose = _family(found), _purpose(found)
    same = _family(wanted) == family
    first = f"Of the same family ({family})" if family and same else "Its name is like this one's"
    if _purpose(wanted) == purpose:
        return f"{first}, and for {purpose} too."
    return f"{first}, but for {purpose} and not for {_purpose(wanted)}: look at its prices first."


def _listed(provider: Provider, model: str, moment: datetime, source: str | None) -> ListedPrice | None:
    if source is None:
        return None
    moment = moment.astimezone(UTC)
    key = sheets().own_of(source) if provider is Provider.CUSTOM else None
    sheet = sheets().find(provider, model, moment, own=key)
    listed = sheets().catalog.list_price(provider, model, moment, {}, source)
    if sheet is None:
        return None
    stated: Mapping[str, UnitPrice] = listed.prices if listed else {}
    # What the catalog lacks: fees, and shares that are a multiple of another.
    ours = {unit: rate for unit, rate in sheet.levels[0].items() if unit not in _SHARES and unit not in stated}
    ours |= {unit: rate for unit, rate in sheet.levels[0].items() if unit in _DERIVED and rate.multiplier != 1}
    tiers: dict[int, dict[str, Decimal]] = {}
    for unit, (value, per) in stated.items():
        for tier in value.tiers if isinstance(value, TieredPrices) else ():
            tiers.setdefault(tier.start, {})[unit] = _plain(tier.price, per)
    base = {u: _plain(v.base if isinstance(v, TieredPrices) else v, per) for u, (v, per) in stated.items()}
    return ListedPrice(
        provider=provider,
        model=sheet.ref.removeprefix(f"{source}/") if key else sheet.ref,
        prices=base | {unit: per_million(rate) for unit, rate in ours.items()},
        tiers=tuple(sorted(tiers.items(), key=lambda tier: tier[0])),
        doubts={unit: "; ".join(rate.doubts) for unit, rate in ours.items() if rate.doubts},
        source=sheet.source,
        version=sheet.version,
        since=_since(source, model, moment),
    )


def per_million(rate: Rate) -> Decimal:
    """Dollars for a million units, to ten places where a price does not divide evenly."""
    return _plain(rate.price * rate.multiplier, rate.per)


def _plain(price: Decimal, per: int) -> Decimal:
    rounded = (price * _MILLION / per).quantize(_PLACES).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded


def _since(source: str, model: str, moment: datetime) -> date | None:
    """The start of the dated price that holds at the moment; None for a price without a date."""
    found = sheets().catalog.source(source)
    listed = found.find_model(model, all_providers=sheets().snapshot.providers) if found else None
    dated: list[ConditionalPrice] = listed.prices if listed and isinstance(listed.prices, list) else []
    starts = [each.constraint.start_date for each in dated if isinstance(each.constraint, StartDateConstraint)]
    return max((start for start in starts if start <= moment.date()), default=None)


def _candidates(provider: Provider) -> Iterator[tuple[str, ModelInfo]]:
    own = CATALOG_IDS.get(provider)
    for source in (own,) if own else _CUSTOM_SOURCES:
        found = sheets().catalog.source(source)
        yield from ((source, model) for model in (found.models if found else []))


def _words(name: str) -> tuple[str, ...]:
    """The words and numbers of a model's name, without its maker and its date."""
    return tuple(_WORD.findall(_DATE.sub("", name.lower().rpartition("/")[2])))


def _purpose(words: tuple[str, ...]) -> str:
    """What a model is for, as far as its name tells."""
    return next((purpose for word in words if (purpose := _PURPOSES.get(word))), "text")


def _family(words: tuple[str, ...]) -> str:
    """gpt, claude, gemini: the first word of a name; o stands for o1, o3 and o4."""
    return next((word for word in words if not word[0].isdigit()), "")


def _distance(wanted: tuple[str, ...], listed: tuple[str, ...]) -> tuple[float, float]:
    """The smaller the nearer; zero where no word is shared. The second number is how far the versions are apart."""
    shared = sum(1 / (1 + place) for place, word in enumerate(wanted) if word in listed and not word[0].isdigit())
    if not shared:
        return 0, 0
    letters = SequenceMatcher(None, "-".join(wanted), "-".join(listed)).ratio()
    superfluous = sum(1 for word in listed if word not in wanted and not word[0].isdigit())
    return -(shared + letters - superfluous / 10), _apart(wanted, listed)


def _apart(wanted: tuple[str, ...], listed: tuple[str, ...]) -> float:
    versions = [
        [float(".".join(word.split(".")[:2])) for word in name if word[0].isdigit()] for name in (wanted, listed)
    ]
    return abs((versions[0] or [0.0])[0] - (versions[1] or [0.0])[0])
