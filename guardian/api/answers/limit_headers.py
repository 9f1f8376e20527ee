"""How much of its limit a caller has left, told on every answer.

The names are those of https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07, seconds and all.
"""

from collections.abc import Iterable

from guardian.limits import Standing

Headers = list[tuple[bytes, bytes]]


def limit_headers(standing: Standing | None) -> Headers:
    """None for what is not limited: health, documentation, and what was refused before anything was counted."""
    if standing is None:
        return []
    return [
        (b"ratelimit-limit", b"%d" % standing.limit.count),
        (b"ratelimit-remaining", b"%d" % standing.remaining),
        (b"ratelimit-reset", b"%d" % standing.reset),
    ]


def tightest(standings: Iterable[Standing]) -> Standing:
    """The one that is told: of which the smallest share is left, and among those that refuse, the longest wait."""
    return min(standings, key=lambda s: (s.allowed, s.remaining / s.limit.count, -s.reset))
