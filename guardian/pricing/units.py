"""The units that a price can be given for: a misspelt kind of tokens would change no bill, and say nothing."""

from difflib import get_close_matches

from guardian.pricing.catalog import UNITS
from guardian.pricing.shares import SHARES

_PRICED = {name for share in SHARES for name in share.prices} | {unit for unit, _ in UNITS.values()}
TOKEN_PRICES = frozenset(name for name in _PRICED if name.endswith("_tokens"))
_STEMS = frozenset({name.removesuffix("_tokens") for name in TOKEN_PRICES} | {"cached", "written"})
_ALIKE = 0.75  # inptu and input are 0.8


def mistaken(unit: str) -> bool:
    """Whether it is no unit, but means tokens. What else is counted can have any name: senders of events give it."""
    if unit in _PRICED:
        return False
    return "token" in unit or "mtok" in unit or bool(get_close_matches(unit, _STEMS, n=1, cutoff=_ALIKE))
