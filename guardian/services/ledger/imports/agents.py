"""What the logs of coding agents have in common: what makes a call theirs, and that its price is not what was paid."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Member
from guardian.services.ledger.imports.values import clean

# Agents mostly run on a subscription: what their tokens would cost through the API is no bill. Rows say so, so that
# nobody adds the two up without knowing (peers: `cost_basis = billed | imputed`).
IMPUTED: Mapping[str, str] = MappingProxyType({"cost_basis": "imputed"})
_NEGATIVE = "Expected `int` >= 0"
NO_JSON = "The line is no JSON object. It may be cut off."


@lru_cache(maxsize=1024)
def tags(agent: str, project: str | None, branch: str | None = None) -> Mapping[str, str]:
    """`project` is the folder in which the agent worked."""
    found = {**IMPUTED, "agent": agent}
    if project:
        found["project"] = clean(project) or ""
    if branch:
        found["branch"] = clean(branch) or ""
    return found


def is_no_object(line: bytes) -> bool:
    """Whether a line that was not decoded cannot be an object; empty lines are nothing at all."""
    bare = line.strip()
    return bool(bare) and not (bare.startswith(b"{") and bare.endswith(b"}"))


def what_is_wrong(error: msgspec.MsgspecError) -> str:
    """msgspec's words for a person: which field, and what it should be."""
    if isinstance(error, msgspec.ValidationError):
        what, _, where = str(error).partition(" - at `$.")
        if what == _NEGATIVE:
            return f"{where.rstrip('`')} is negative."
        return f"{where.rstrip('`') or 'The line'}: {what}."
    return NO_JSON


def numbered(member: Member, report: Report, *marks: bytes) -> Iterator[tuple[int, bytes]]:
    """(line number, line) of the lines that hold one of `marks`, and a refusal for each that is no JSON at all."""
    first, others = marks[0], marks[1:]
    for number, line in enumerate(member.lines(), start=1):
        if first in line or any(mark in line for mark in others):
            yield number, line
        elif is_no_object(line):
            report.refuse(number, NO_JSON, member.name)
