"""Imports and exports at size: 200,000 lines of agents' logs in 500 files, written both ways, and a million CSV rows.

Each runs as a process of its own, as `guardian import` does, so that its peak memory is its own; each starts from an
empty ledger, and its totals have to be exact. Figures named "peak MB" are megabytes, and not milliseconds.
"""

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from guardian import db
from guardian.models import Organization, User
from guardian.models.enums import Plan
from guardian.services.ledger.sums.rollups import disagreements
from tests.bench import logs
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, Place, place
from tests.conftest import ROOT

LINES = 200_000 if FULL else 4_000
ROWS = 1_000_000 if FULL else 20_000
_SECONDS = 10.0  # for the logs, stored; ccusage, which only prints, takes 1.2 s (Rust) or 13.9 s (JavaScript)
_MEGABYTES = 300.0

_IMPORT = """
import json, resource, sys, time
from pathlib import Path
from guardian import db
from guardian.jobs.importing import import_file
from guardian.services.actor import Actor
from guardian.services.ledger import imports
path, actor = Path(sys.argv[1]), Actor.for_job(sys.argv[2], sys.argv[3])
with db.session() as session:
    _, importing = imports.begin_import(session, actor, file_name=path.name, bytes_total=None)
started = time.perf_counter()
view = import_file(importing, path, path.name)
taken = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([taken * 1000, peak, view.rows_added, view.rows_duplicate, view.rows_refused, view.error]))
"""
_EXPORT = """
import json, resource, sys, time
from guardian import db
from guardian.services.actor import Actor
from guardian.services.ledger.exports import focus, usage
from guardian.services.ledger.views import UsageFilter
actor = Actor.for_job(sys.argv[1], sys.argv[2])
export = {"usage": usage.usage_csv, "parquet": usage.usage_parquet, "focus": focus.focus_csv}[sys.argv[3]]
started = time.perf_counter()
with db.session() as session:
    size = sum(len(piece) for piece in export(session, actor, UsageFilter()))
taken = time.perf_counter() - started
print(json.dumps([taken * 1000, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size]))
"""


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    found: list[Figure] = []
    with place() as at:
        for spaced in (False, True):
            found += _logs(at, spaced=spaced)
        found += _csv(at)
    return found


def _logs(at: Place, *, spaced: bool) -> list[Figure]:
    name = f"import of {LINES:,} log lines, {'spaced' if spaced else 'compact'} JSON"
    folder = at.folder / ("spaced" if spaced else "compact")
    expected = logs.write_logs(folder, LINES, spaced=spaced)
    owner = _organization()
    milliseconds, peak, added, duplicate, refused, error = _run(at, _IMPORT, str(folder), *owner)
    _check(name, [added, duplicate, refused, error], [expected.calls, LINES - expected.calls, 0, None])
    sums = _sums("sum(input_tokens)::bigint, sum(output_tokens)::bigint, count(*)")
    _check(name, sums, [expected.input_tokens, expected.output_tokens, expected.calls])
    return [
        figure(name, [milliseconds], target=_SECONDS * 1000),
        figure(f"{name}, peak MB", [peak], target=_MEGABYTES),
    ]


def _csv(at: Place) -> list[Figure]:
    name = f"import of {ROWS:,} CSV rows"
    path = at.folder / "usage.csv"
    inputs, outputs, cost = logs.write_csv(path, ROWS)
    owner = _organization()
    milliseconds, peak, added, *rest = _run(at, _IMPORT, str(path), *owner)
    _check(name, [added, *rest], [ROWS, 0, 0, None])
    _check(name, _sums("sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost)"), [inputs, outputs, cost])
    found = [figure(name, [milliseconds]), figure(f"{name}, peak MB", [peak], target=_MEGABYTES)]
    for kind in ("usage", "parquet", "focus"):
        milliseconds, peak, size = _run(at, _EXPORT, *owner, kind)
        if size < ROWS:
            raise RuntimeError(f"The {kind} export has {size} bytes, so its time says nothing.")
        what = {"usage": "usage CSV", "parquet": "usage Parquet", "focus": "FOCUS CSV"}[kind]
        found.append(figure(f"export of {ROWS:,} rows, {what}", [milliseconds]))
        found.append(figure(f"export of {ROWS:,} rows, {what}, peak MB", [peak], target=_MEGABYTES))
    return found


def _organization() -> tuple[str, str]:
    """A person of a new organization, and nothing else in the ledger."""
    with db.session() as session:
        session.connection().execute(text("TRUNCATE usage_logs, usage_rollups"))
        owner = Organization(name="Acme", plan=Plan.ENTERPRISE)
        session.add(owner)
        session.flush()
        person = User(email=f"{owner.id}@example.com", organization_id=owner.id)
        session.add(person)
        session.flush()
        return person.id, owner.id


def _run(at: Place, script: str, *arguments: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=at.environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _sums(columns: str) -> list[Decimal | int]:
    with db.session() as session:
        if wrong := disagreements(session):
            raise RuntimeError(f"The rollups disagree with their rows: {wrong[0]}")
        return list(session.connection().execute(text(f"SELECT {columns} FROM usage_logs")).one())


def _check(name: str, found: list[Any], expected: list[Any]) -> None:
    if list(found) != expected:
        raise RuntimeError(f"{name} gave {found}, and not {expected}.")
