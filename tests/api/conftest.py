"""The REST API on a real port: uvicorn in a thread, httpx in front, a fake provider behind."""

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from sqlalchemy import text

from guardian import db, limits
from guardian.api import create_api
from guardian.api.steps import COOKIE
from guardian.config import settings
from guardian.models import Organization, User
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people.access.sessions import open_session
from tests.api.described import require_documented
from tests.conftest import People, Servers, make_actor
from tests.fakes.provider_server import FakeProvider

PASSWORD = "correct horse battery"


class Client(httpx.Client):
    """A client with cookies of its own that remembers what it was answered."""

    def __init__(self, base_url: str, **options: Any) -> None:
        self.answers: list[httpx.Response] = []
        super().__init__(
            base_url=base_url,
            timeout=30,
            event_hooks={"response": [self.answers.append, require_documented]},
            **options,
        )

    def data(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The `data` of an answer that must have that status."""
        answer = self.request(method, "/api/v1" + path, **options)
        assert answer.status_code == status, answer.text
        body = answer.json()
        assert body["success"] is True
        return body["data"]

    def failure(self, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
        """The body of a refusal that must have that status, and the failure envelope's shape."""
        answer = self.request(method, "/api/v1" + path, **options)
        assert answer.status_code == status, answer.text
        body = answer.json()
        assert body["success"] is False
        assert body["requestId"] == answer.headers["x-request-id"]
        assert {"success", "error", "code", "details", "requestId"} <= body.keys()
        return body

    def sign_up(self, email: str = "ada@acme.test", **more: str) -> Any:
        return self.data("POST", "/auth/register", 201, json={"email": email, "password": PASSWORD, **more})


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """As in production: the default of structlog spends seconds on each traceback, to show every local variable."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            # Text: as fields of the record, `process` and others would collide with what each record has already.
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        # To the standard library, whose records pytest shows for a test that fails.
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


@pytest.fixture(autouse=True)
def _fresh_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test counted, or knew of a stopped Redis, is nothing to the next."""
    monkeypatch.setattr(limits, "_memory", limits._Memory())
    monkeypatch.setattr(limits, "_patience", limits._Patience())


MakeClient = Callable[..., Client]
SignIn = Callable[[Actor], Client]


@pytest.fixture(scope="session")
def api_url() -> Generator[str]:
    """One server for the run; each test's `environment` decides which database and Redis it reaches."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(create_api(), host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def new_client(api_url: str, environment: Servers) -> Generator[MakeClient]:
    opened: list[Client] = []

    def make(**options: Any) -> Client:
        opened.append(Client(api_url, **options))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(new_client: MakeClient) -> Client:
    """Somebody who is not signed in."""
    return new_client()


@pytest.fixture
def sign_in(new_client: MakeClient) -> SignIn:
    """A client with a session of that person, opened without their password."""

    def make(actor: Actor) -> Client:
        with db.session() as session:
            user = session.get_one(User, actor.user_id)
            token, _row = open_session(session, user, user_agent="pytest", ip_address="127.0.0.1")
        return new_client(cookies={COOKIE: token})

    return make


@pytest.fixture
def alice(sign_in: SignIn, people: People) -> Client:
    """The owner of Acme."""
    return sign_in(people.alice)


@pytest.fixture
def bob(sign_in: SignIn, people: People) -> Client:
    """A member of Acme."""
    return sign_in(people.bob)


@pytest.fixture
def charlie(sign_in: SignIn, people: People) -> Client:
    """The owner of Globex, who must never see what is Acme's."""
    return sign_in(people.charlie)


@pytest.fixture
def colleague(people: People) -> Callable[[TeamRole], Actor]:
    """Another person of Acme, with that role in the team."""

    def make(role: TeamRole) -> Actor:
        with db.session() as session:
            acme = session.get_one(Organization, people.alice.organization_id)
            return make_actor(session, acme, f"{role.value.lower()}.colleague", role)

    return make


@pytest.fixture
def fake(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[FakeProvider]:
    """The provider behind the API: a fake that plays OpenAI and Anthropic."""
    with FakeProvider() as running:
        for setting, url in running.urls.items():
            monkeypatch.setenv(setting.upper(), url)
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
        monkeypatch.setenv("PROVIDER_TIMEOUT_SECONDS", "5")
        monkeypatch.setenv("PROVIDER_ATTEMPTS", "1")
        settings.cache_clear()
        yield running


def execute(statement: str, **values: Any) -> None:
    """Change the database behind the product's back."""
    with db.session() as session:
        session.connection().execute(text(statement), values)
