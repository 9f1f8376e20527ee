"""A running product for the code in the documentation: REST API and gateway before fake providers on loopback."""

import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from guardian import db
from guardian.embedded.processes import free_port, wait_until
from guardian.services.people.access.tokens import create_token
from guardian.ui import build
from tests.conftest import ROOT, Servers, forget_caches
from tests.e2e.gateway.conftest import owner
from tests.e2e.gateway.stage import GatewayProcess, Stage, with_all_keys
from tests.fakes.inference import FakeInference

PATIENCE = 90.0


@dataclass(frozen=True)
class Running:
    """Where it is, and a token that may do what the pages ask of one."""

    web: str
    gateway: str
    token: str

    def code(self, text: str) -> str:
        """A block of a page, with the addresses of this product instead of the usual ones."""
        return text.replace("http://127.0.0.1:8000", self.web).replace("http://127.0.0.1:8001", self.gateway)


@pytest.fixture
def running(environment: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Running]:
    build.ensure_built()
    port = free_port()
    with FakeInference() as fake:
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
        for variable, url in fake.environment.items():
            monkeypatch.setenv(variable, url)
        forget_caches()
        gateway = GatewayProcess(tmp_path / "gateway.log")
        stage = Stage(fake, gateway, owner())
        with_all_keys(stage)
        with db.session() as session:
            token, _view = create_token(session, stage.alice, name="docs", scopes=["api", "gateway", "ingest"])
        gateway.start()
        with (tmp_path / "web.log").open("wb") as output:
            web = subprocess.Popen(
                [sys.executable, "-m", "guardian.cli", "web"],
                cwd=ROOT,
                env={**os.environ, "GUARDIAN_PORT": str(port), "GUARDIAN_DATA_DIR": str(tmp_path / "web")},
                stdout=output,
                stderr=output,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            assert wait_until(lambda: _answers(url), PATIENCE), (tmp_path / "web.log").read_text()
            yield Running(url, gateway.url, token)
        finally:
            web.terminate()
            web.wait(60)
            gateway.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.TransportError:
        return False
