"""One gateway for many tests, and one of its own for tests that change or kill it."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from sqlmodel import Session

from guardian import db
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.redis import RedisServer
from guardian.models import Organization
from guardian.models.enums import Plan, TeamRole
from guardian.services.actor import Actor
from tests.conftest import ENCRYPTION_KEY, ROOT, Servers, forget_caches, make_actor
from tests.e2e.gateway.stage import GatewayProcess, Stage, with_all_keys
from tests.fakes.inference import FakeInference


@dataclass(frozen=True)
class Chaos:
    """A gateway before a fake provider, with a PostgreSQL and a Redis that a test may stop and start."""

    stage: Stage
    postgres: PostgresServer
    redis: RedisServer


@pytest.fixture(scope="package")
def shared_stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    """Keys of every vendor, and a token that may do everything; started once."""
    folder = tmp_path_factory.mktemp("gateway")
    name = "gateway_shared"
    servers.databases.clone(name)
    with pytest.MonkeyPatch.context() as patch, FakeInference() as fake:
        _set_environment(patch, servers.database_url(name), servers.redis_url, folder, fake)
        gateway = GatewayProcess(folder / "gateway.log")
        stage = Stage(fake, gateway, owner())
        with_all_keys(stage)
        gateway.start()
        yield stage
        assert gateway.stop() in (0, -15), gateway.said()
    forget_caches()
    servers.databases.drop(name)


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    forget_caches()  # a test before may have had servers of its own
    shared_stage.fake.begin()
    return shared_stage


Start = Callable[..., Stage]


@pytest.fixture
def start(environment: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Start]:
    """Start a gateway of the test's own, with changes to its environment."""
    started: list[GatewayProcess] = []
    with FakeInference() as fake:
        _set_environment(monkeypatch, None, None, tmp_path, fake)

        def run(**changes: str) -> Stage:
            gateway = GatewayProcess(tmp_path / "gateway.log", changes)
            started.append(gateway)
            stage = Stage(fake, gateway, owner())
            with_all_keys(stage)
            gateway.start()
            return stage

        yield run
        for gateway in started:
            gateway.kill()


@pytest.fixture
def chaos(open_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Chaos]:
    """Servers of this test's own, and a gateway that uses them."""
    postgres = PostgresServer(open_dir / "data", options={"fsync": "off", "full_page_writes": "off"})
    server = RedisServer(open_dir / "data")
    gateway = GatewayProcess(tmp_path / "gateway.log")
    try:
        with FakeInference() as fake:
            monkeypatch.setenv("DATABASE_URL", postgres.start())
            monkeypatch.setenv("REDIS_URL", server.start())
            monkeypatch.setenv("ENCRYPTION_KEY", ENCRYPTION_KEY)
            monkeypatch.setenv("GUARDIAN_DATA_DIR", str(tmp_path / "data"))
            for variable, url in fake.environment.items():
                monkeypatch.setenv(variable, url)
            forget_caches()
            subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=os.environ, check=True)
            stage = Stage(fake, gateway, owner())
            with_all_keys(stage)
            gateway.start()
            yield Chaos(stage, postgres, server)
    finally:
        gateway.kill()
        server.stop()
        postgres.stop()
        forget_caches()


def owner(name: str = "alice") -> Actor:
    with Session(db.engine(), expire_on_commit=False) as session:
        acme = Organization(name="Acme", plan=Plan.ENTERPRISE)
        session.add(acme)
        session.flush()
        alice = make_actor(session, acme, name, TeamRole.OWNER)
        session.commit()
    return alice


def _set_environment(
    patch: pytest.MonkeyPatch, database: str | None, redis_url: str | None, folder: Path, fake: FakeInference
) -> None:
    """Servers are left as they are where none is given."""
    if database is not None and redis_url is not None:
        patch.setenv("DATABASE_URL", database)
        patch.setenv("REDIS_URL", redis_url)
        patch.setenv("ENCRYPTION_KEY", ENCRYPTION_KEY)
        with redis.Redis.from_url(redis_url) as cleaner:
            cleaner.flushall()
    patch.setenv("GUARDIAN_DATA_DIR", str(folder / "data"))
    patch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    patch.setenv("GUARDIAN_LOG_FORMAT", "console")
    for variable, url in fake.environment.items():
        patch.setenv(variable, url)
    forget_caches()
