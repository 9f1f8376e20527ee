"""A gateway as a process of its own before a fake provider: how tests start it, kill it, and read its ledger."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlmodel import Session, col, select

from guardian import db, live
from guardian.embedded.processes import free_port, wait_until
from guardian.models import AccessToken, ApiKey, UsageLog
from guardian.models.enums import Provider
from guardian.services.actor import Actor
from guardian.services.people.access.tokens import create_token
from guardian.services.people.provider_keys.vault import seal
from tests.conftest import ROOT
from tests.fakes.inference import KEYS, FakeInference

T = TypeVar("T")
PATIENCE = 60.0
BASES = {
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
    "google": "/google",
    "xai": "/xai/v1",
    "perplexity": "/perplexity",
    "custom": "/custom/local/v1",
}


@dataclass
class GatewayProcess:
    """`guardian gateway` in this test's environment, with changes; always on the same port."""

    log: Path
    changes: dict[str, str] = field(default_factory=dict[str, str])
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "guardian.cli", "gateway"],
                cwd=ROOT,
                env={**os.environ, "GUARDIAN_GATEWAY_PORT": str(self.port), **self.changes},
                stdout=output,
                stderr=output,
            )

    def start(self) -> None:
        """Until it answers."""
        self.launch()
        assert wait_until(self.answers, PATIENCE), self.said()

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        try:
            return httpx.get(f"{self.url}/health/live").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL: its shipper reads the end of its standard input, and ends on its own."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and its status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-6000:]


@dataclass
class Stage:
    """A fake provider, a gateway before it, alice who owns the keys and tokens, and the ledger."""

    fake: FakeInference
    gateway: GatewayProcess
    alice: Actor
    token: str = ""

    def base(self, vendor: str) -> str:
        """What an SDK gets as its base URL."""
        return self.gateway.url + BASES[vendor]

    def add_key(self, provider: Provider, secret: str, label: str = "main", **metadata: Any) -> str:
        """A provider's key in the vault; gives its id."""
        with db.session() as session:
            row = ApiKey(
                provider=provider,
                encrypted_key="",
                iv="",
                tag="",
                label=label,
                meta=metadata or None,
                user_id=self.alice.user_id,
                organization_id=self.alice.organization_id,
            )
            seal(row, secret)
            session.add(row)
            session.flush()
            found = row.id
        live.tell_gateways(self.alice.organization_id)
        return found

    def add_token(self, **limits: Any) -> tuple[str, str]:
        """An access token: its secret and its id; `limits` are columns of AccessToken."""
        scopes = limits.pop("scopes", ["gateway"])
        with db.session() as session:
            secret, view = create_token(session, self.alice, name="test", scopes=scopes)
            row = session.get_one(AccessToken, view.id)
            for name, value in limits.items():
                setattr(row, name, value)
            session.add(row)
        return secret, view.id

    def rows(self, **where: Any) -> list[UsageLog]:
        with Session(db.engine()) as session:
            query = select(UsageLog).filter_by(**where).order_by(col(UsageLog.timestamp), col(UsageLog.id))
            return list(session.exec(query))

    def row(self, request_id: str | None) -> UsageLog:
        """The one row of a call, once it has got to the ledger."""
        assert request_id

        def mine() -> list[UsageLog]:
            return [row for row in self.rows() if (row.meta or {}).get("requestId") == request_id]

        assert wait_until(lambda: bool(mine()), PATIENCE, 0.05), f"no row of {request_id}:\n{self.gateway.said()}"
        found = mine()
        assert len(found) == 1
        return found[0]

    def last_row(self, since: datetime) -> UsageLog:
        """The only row that began since then."""

        def new() -> list[UsageLog]:
            return [row for row in self.rows() if row.timestamp >= since]

        assert wait_until(lambda: bool(new()), PATIENCE, 0.05), f"no row since {since}:\n{self.gateway.said()}"
        assert len(new()) == 1, new()
        return new()[0]


def with_all_keys(stage: Stage) -> None:
    """A key of each vendor, and one of a server of the user's own."""
    for provider in (Provider.OPENAI, Provider.ANTHROPIC, Provider.GOOGLE, Provider.XAI, Provider.PERPLEXITY):
        stage.add_key(provider, KEYS[provider.value.lower()])
    stage.add_key(Provider.CUSTOM, KEYS["custom"], "local", baseUrl=stage.fake.url("custom"))
    stage.token, _ = stage.add_token()


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop of its own, whatever loop runs here."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()
