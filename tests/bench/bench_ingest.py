"""Events and spans until they are in the summary: one server process, durable at the answer, its rollups exact.

Each run starts from an empty ledger; the clock stops once the last answer is there, and by then the rollups, which the
summary reads, hold every event.
"""

import json
import subprocess
import sys
from typing import Any

from sqlalchemy import text

from guardian import db
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import Plan, TeamRole
from guardian.services.actor import Actor
from guardian.services.ledger.sums.rollups import disagreements
from guardian.services.people.access.tokens import create_token
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, Place, place
from tests.bench.serving import serving
from tests.conftest import ROOT

# name, path, requests, events of each, connections, wished events per second
_RUNS = (
    ("OTLP spans, 512 a request", "otlp", 100, 512, 8, 10_000),
    ("JSON events, 1,000 a request", "batch", 60, 1_000, 8, 15_000),
    ("JSON events, one a request", "single", 20_000, 1, 64, 4_000),
)
_SHARE = 1 if FULL else 20
_MOST_BYTES = 400  # of an event with its indexes, once there are many: the partitions' empty pages count too


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    found: list[Figure] = []
    with place() as at, serving(at, "guardian.api:create_api", "--factory", ready="/health/live") as client:
        token = _token()
        for name, kind, requests, each, connections, wished in _RUNS:
            count = max(requests // _SHARE, connections)
            found += _measured(at, str(client.base_url), token, name, (kind, count, each, connections), wished)
    return found


def _measured(at: Place, url: str, token: str, name: str, load: tuple[str, int, int, int], wished: int) -> list[Figure]:
    with db.session() as session:
        session.connection().execute(text("TRUNCATE usage_logs, usage_rollups, usage_changes, known_events"))
    kind, requests, each, connections = load
    arguments = [url, token, kind, str(requests), str(each), str(connections)]
    command = [sys.executable, "-m", "tests.bench.telling", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=at.environment, check=True, stdout=subprocess.PIPE, text=True)
    seconds, answers = json.loads(done.stdout.splitlines()[-1])
    events = requests * each
    with db.session() as session:
        stored = session.connection().execute(text("SELECT sum(rows)::bigint FROM usage_rollups")).scalar()
        if stored != events or disagreements(session):
            raise RuntimeError(f"{name}: the summary has {stored} of {events} events, or its rows are others.")
    return [
        figure(f"{name}, events", [events / seconds], target=wished, unit="/s", more=True),
        figure(f"{name}, answer", answers),
        figure(f"{name}, each on disk", [_bytes() / events], target=_MOST_BYTES, unit="bytes"),
    ]


def _bytes() -> float:
    with db.session() as session:
        sizes: Any = session.connection().execute(
            text(
                "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
                "WHERE c.relkind = 'r' AND (c.relname LIKE 'usage_logs_%' OR c.relname = 'known_events')"
            )
        )
        return float(sizes.scalar())


def _token() -> str:
    with db.session() as session:
        owner = Organization(name="Acme", plan=Plan.ENTERPRISE)
        session.add(owner)
        session.flush()
        person = User(email="owner@example.com", organization_id=owner.id)
        session.add(person)
        session.flush()
        session.add(TeamMember(organization_id=owner.id, user_id=person.id, role=TeamRole.OWNER))
        session.flush()
        actor = Actor(person.id, owner.id, person.role, TeamRole.OWNER)
        return create_token(session, actor, name="bench", scopes=["ingest"])[0]
