"""A token that may only tell events, and a client that has it."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from guardian import db
from guardian.models import UsageLog
from guardian.services.actor import Actor
from guardian.services.ledger.sums.rollups import disagreements
from guardian.services.people.access.tokens import create_token
from tests.api.conftest import Client, MakeClient
from tests.conftest import People

Tokens = Callable[..., str]


@pytest.fixture
def token(people: People, session: object) -> Tokens:
    def make(actor: Actor | None = None, *scopes: str) -> str:
        with db.session() as opened:
            return create_token(opened, actor or people.alice, name="events", scopes=list(scopes or ("ingest",)))[0]

    return make


@pytest.fixture
def sender(new_client: MakeClient, token: Tokens) -> Client:
    return new_client(headers={"authorization": f"Bearer {token()}"})


def rows() -> list[UsageLog]:
    """What the ledger has, in the order of the models; and its sums have to agree."""
    with db.session() as session:
        assert disagreements(session) == []
        return list(session.exec(select(UsageLog).order_by(UsageLog.model, UsageLog.id)))
