"""`guardian import`: files one after the other, with a bar while they are read and a line about each at its end."""

import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from sqlmodel import Session, col, or_, select

from guardian import db
from guardian.errors import ValidationError
from guardian.jobs.importing import import_file
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import ImportStatus
from guardian.services.actor import Actor
from guardian.services.ledger import imports
from guardian.services.ledger.imports import ImportView, Source
from guardian.services.people import audit

_WIDTH = 30
_REDRAW_SECONDS = 0.1
_SHOWN_ERRORS = 10


def import_files(
    files: list[Path], *, format: str | None, organization: str | None, email: str | None, key_label: str | None
) -> int:
    """Import them for that organization; the status for the shell: 1 if one of them could not be read to its end, and
    as a shell gives it for a signal if one ended it: what is stored then stays, and the run says so.

    Raises ValidationError for an organization, person, key or format that there is none of.
    """
    with db.session() as session:
        actor = _actor(session, organization, email)
    finished = True
    with _signals() as asked:
        for path in files:
            view = _import(actor, path, format, email, key_label, asked)
            if asked.signal:
                return 128 + asked.signal
            finished = finished and view is not None and view.status is ImportStatus.FINISHED
    return 0 if finished else 1


@dataclass(slots=True)
class _Asked:
    """The signal that asked for the end; 0: none did."""

    signal: int = 0

    def __call__(self) -> bool:
        return bool(self.signal)


@contextmanager
def _signals() -> Generator[_Asked]:
    """Note SIGINT and SIGTERM instead of dying of them; the second one does what it always does.

    A KeyboardInterrupt comes between any two instructions, and between a lock and its `with` it leaves the lock taken
    (https://github.com/python/cpython/issues/74174): the thread that stores then waits for ever. A signal that was
    ignored from the start, as `nohup` and a shell's `&` do, stays so.
    """
    asked = _Asked()
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _: object) -> None:
        asked.signal = number
        signal.signal(number, usual[signal.Signals(number)])

    for number, handler in usual.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _actor(session: Session, organization: str | None, email: str | None) -> Actor:
    """Who imports: the person that was named, else the oldest of the organization that was named or is the only one."""
    people = select(User.id, TeamMember.organization_id).join(TeamMember, col(TeamMember.user_id) == col(User.id))
    if email is not None:
        people = people.where(User.email == email.strip().lower())
    if organization is not None:
        wanted = select(Organization.id).where(or_(Organization.id == organization, Organization.name == organization))
        people = people.where(col(TeamMember.organization_id).in_(wanted))
    found = session.exec(people.order_by(col(User.created_at), col(User.id))).all()
    if not found:
        raise ValidationError(
            "There is nobody to import for. Check the organization and the address, or add a person first "
            "(guardian users create)."
        )
    owners = {organization_id for _, organization_id in found}
    if len(owners) > 1:
        raise ValidationError(
            "There is more than one organization. Name it with --organization, or a person with --user."
        )
    user_id, organization_id = found[0]
    return Actor.for_job(user_id, organization_id)


def _import(
    actor: Actor, path: Path, format: str | None, email: str | None, key_label: str | None, asked: _Asked
) -> ImportView | None:
    source = Source(path)
    with db.session() as session:
        run, importing = imports.begin_import(
            session,
            actor,
            file_name=path.resolve().name,
            bytes_total=source.total,
            format=format,
            email=email,
            key_label=key_label,
        )
        facts = {"file": run.file_name, "by": "command line"}
        audit.record(session, actor, "IMPORT_CREATE", resource_type="import", resource_id=run.id, metadata=facts)
    bar = _Bar(path.name)
    try:
        view = import_file(importing, path, path.name, format, bar.draw, asked)
    finally:
        bar.wipe()
    _tell(str(path), view)
    return view


def _tell(name: str, view: ImportView | None) -> None:
    if view is None:
        typer.echo(f"{name}: stopped by somebody else", err=True)
        return
    counts = f"{view.rows_added:,} added, {view.rows_duplicate:,} already there"
    counts += f", {view.rows_skipped:,} left out" if view.rows_skipped else ""
    counts += f", {view.rows_refused:,} refused" if view.rows_refused else ""
    reader = imports.READERS.get(view.format or "")
    kind = reader.title if reader else "unknown format"
    typer.echo(f"{name}: {counts} ({kind})")
    for note in view.notes:
        typer.echo(f"  {note}")
    for each in view.errors[:_SHOWN_ERRORS]:
        where = f"{each['file']}, line" if "file" in each else "line"
        typer.echo(f"  {where} {each['line']}: {each['message']}", err=True)
    if view.rows_refused > _SHOWN_ERRORS:
        typer.echo(f"  … and {view.rows_refused - _SHOWN_ERRORS:,} more; the page Imports lists them", err=True)
    if view.error:
        typer.echo(f"  {view.error}", err=True)


class _Bar:
    """How far a file is, on one line of a terminal; nothing where there is none."""

    def __init__(self, name: str) -> None:
        self._name = name if len(name) <= 40 else f"…{name[-39:]}"
        self._shown = sys.stderr.isatty()
        self._drawn = 0.0

    def draw(self, done: int, total: int) -> None:
        if not self._shown or time.monotonic() - self._drawn < _REDRAW_SECONDS:
            return
        self._drawn = time.monotonic()
        share = done / total if total else 1.0
        full = round(share * _WIDTH)
        size = f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
        typer.echo(f"\r{self._name} [{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%} {size}", nl=False, err=True)

    def wipe(self) -> None:
        if self._drawn:
            typer.echo("\r\x1b[2K", nl=False, err=True)
