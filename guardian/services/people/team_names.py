"""A team's names: the one that it has, and those that it had, under which usage of its was told."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from guardian.models import Alert, Budget, Team

_MOST_FORMER = 20  # the last ones


def take_name(session: Session, row: Team, old: str | None) -> None:
    """The team goes by its name from now on, and no more by `old`; None for a new team.

    Its budgets and alerts follow it, and go on counting what is told under the names that it had. A name that another
    team had is this one's alone from now on.
    """
    mine, name = row.organization_id, row.name
    for other in session.exec(select(Team).where(Team.organization_id == mine, col(Team.id) != row.id)):
        if name in other.former_names:
            other.former_names = _without(other.former_names, name)
    if old is not None:
        row.former_names = [*_without(row.former_names, name, old), old][-_MOST_FORMER:]
    for table in (Budget, Alert):
        for limited in session.exec(select(table).where(col(table.organization_id) == mine)):
            scope = limited.scope or {}
            if scope.get("type") != "team":
                continue
            if old is not None and scope.get("value") == old:
                limited.scope = {**scope, "value": name, "former": row.former_names}
            elif name in (former := scope.get("former") or ()):
                limited.scope = {**scope, "former": _without(former, name)}
    session.flush()


def _without(names: Iterable[str], *gone: str) -> list[str]:
    return [each for each in names if each not in gone]
