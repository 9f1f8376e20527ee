"""What a caller asks of the gateway itself: how often to try again, and which models may stand in."""

from collections.abc import Sequence
from typing import NamedTuple

from guardian.gateway.http.headers import Header

_RETRIES, _FALLBACKS = b"x-guardian-retries", b"x-guardian-fallbacks"
_MOST_FALLBACKS = 5
_DIGITS = 9  # beyond what is done; Python reads no number of thousands of digits


class Wishes(NamedTuple):
    """`retries` beyond the first try; `fallbacks` are models of the same provider, in the order of preference."""

    retries: int = 0
    fallbacks: tuple[str, ...] = ()


NONE = Wishes()


def wishes_of(ours: Sequence[Header]) -> Wishes:
    """From the headers that are ours; what is no number counts as none."""
    retries, fallbacks = 0, ()
    for name, value in ours:
        if name == _RETRIES and value.strip().isdigit():
            retries = int(value) if len(value) <= _DIGITS else 10**_DIGITS
        elif name == _FALLBACKS:
            names = (each.strip() for each in value.decode("latin-1").split(","))
            fallbacks = tuple(each for each in names if each)[:_MOST_FALLBACKS]
    return Wishes(retries, fallbacks) if retries or fallbacks else NONE
