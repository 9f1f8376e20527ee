"""Watching: what the rules of an organization measure, what that makes of their states, and who is told of it."""

from guardian.services.guard.watching.checking import check, organizations, waiting
from guardian.services.guard.watching.measuring import measure
from guardian.services.guard.watching.states import Group, Move, decide
from guardian.services.guard.watching.watched import EVERYTHING, Measurement, Reading, Watched

__all__ = [
    "EVERYTHING",
    "Group",
    "Measurement",
    "Move",
    "Reading",
    "Watched",
    "check",
    "decide",
    "measure",
    "organizations",
    "waiting",
]
