"""Fixtures for all: real servers once per test run, a fresh migrated database and an empty Redis for each test."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import redis as redis_library
from sqlmodel import Session

from guardian import db, queue
from guardian.config import settings
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.redis import RedisServer
from guardian.models import Organization, TeamMember, User
from guardian.models.enums import Plan, TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.ui import build
from tests.tools.databases import Databases
from tests.tools.leavings import complaint, left_in
from tests.tools.places import open_folder

ROOT = Path(__file__).parent.parent
ENCRYPTION_KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

# Of itself, Hypothesis fails what takes more than 200 ms; a busy machine is no mistake of the product.
hypothesis.settings.register_profile("no-times", deadline=None)
hypothesis.settings.load_profile("no-times")


def pytest_configure() -> None:
    """Signals as a terminal gives them: what is started with `&` or nohup ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def forget_caches() -> None:
    """Make this process read its settings and open its connections anew."""
    db.forget_engine()
    queue.forget_connection()
    settings.cache_clear()


@dataclass(frozen=True)
class Servers:
    """Addresses of this run's own PostgreSQL and Redis, and the databases of the former."""

    postgres: PostgresServer
    redis: RedisServer
    postgres_url: str
    redis_url: str
    databases: Databases

    def database_url(self, name: str) -> str:
        return self.databases.url_of(name)

    def execute(self, statement: str) -> None:
        self.databases.execute(statement)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """With GUARDIAN_SCAN=1, what the tests have left in them, in logs and in the pages is searched for secrets."""
    with open_folder() as folder:
        postgres = PostgresServer(folder / "data", options={"fsync": "off", "full_page_writes": "off"})
        redis = RedisServer(folder / "data")
        try:
            postgres_url, redis_url = postgres.start(), redis.start()
            databases = Databases(postgres_url.rsplit("/", 1)[0], "template_migrated")
            databases.execute(f"CREATE DATABASE {databases.template}")
            subprocess.run(
                [sys.executable, "-m", "alembic", "upgrade", "head"],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": databases.url_of(databases.template)},
                check=True,
            )
            yield Servers(postgres, redis, postgres_url, redis_url, databases)
            if os.environ.get("GUARDIAN_SCAN") == "1":
                logs = tmp_path_factory.getbasetemp().rglob("*.log")
                found = left_in([folder / "data", build.PAGES, *logs])
                assert not found, complaint(found)
        finally:
            for server in (redis, postgres):
                server.stop()


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder for servers of the test's own: others may walk through it, unlike pytest's."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def database_name() -> str | None:
    """What the test's database is called; None for a name that no other has."""
    return None


@pytest.fixture
def environment(
    servers: Servers, database_name: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Generator[Servers]:
    """A database, a Redis and a data directory that hold nothing, and an environment that names them."""
    name = servers.databases.take(database_name)
    with redis_library.Redis.from_url(servers.redis_url) as cleaner:
        cleaner.flushall()
    monkeypatch.setenv("DATABASE_URL", servers.database_url(name))
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    monkeypatch.setenv("ENCRYPTION_KEY", ENCRYPTION_KEY)
    monkeypatch.setenv("GUARDIAN_DATA_DIR", str(tmp_path / "data"))
    forget_caches()
    yield servers
    forget_caches()
    servers.databases.give_back(name)


@pytest.fixture
def session(environment: Servers) -> Generator[Session]:
    """A session of the test's own, committed by the test where another connection must see its rows."""
    with Session(db.engine(), expire_on_commit=False) as opened:
        yield opened


@dataclass(frozen=True)
class People:
    """alice owns an organization, bob is a member of it, charlie owns another one and must never see theirs."""

    alice: Actor
    bob: Actor
    charlie: Actor


def make_actor(
    session: Session, organization: Organization, name: str, team_role: TeamRole, role: UserRole = UserRole.USER
) -> Actor:
    user = User(email=f"{name}@example.com", name=name.title(), role=role, organization_id=organization.id)
    session.add(user)
    session.flush()
    session.add(TeamMember(organization_id=organization.id, user_id=user.id, role=team_role))
    session.flush()
    return Actor(user_id=user.id, organization_id=organization.id, role=role, team_role=team_role, email=user.email)


@pytest.fixture
def people(session: Session) -> People:
    acme, globex = (Organization(name=name, plan=Plan.ENTERPRISE) for name in ("Acme", "Globex"))
    session.add_all([acme, globex])
    session.flush()
    found = People(
        alice=make_actor(session, acme, "alice", TeamRole.OWNER),
        bob=make_actor(session, acme, "bob", TeamRole.MEMBER),
        charlie=make_actor(session, globex, "charlie", TeamRole.OWNER),
    )
    session.commit()
    return found
