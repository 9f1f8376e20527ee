"""What providers say of their rate limits is kept per key and model, and shown to the key's organization alone."""

from datetime import timedelta

import httpx
import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.embedded.processes import wait_until
from guardian.errors import NotFoundError
from guardian.models import ApiKey
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.people import provider_keys
from guardian.services.people.views import RateLimit, RateLimits
from tests.e2e.gateway.conftest import owner
from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import KEYS

MINI, NANO = "gpt-5.4-mini", "gpt-5.4-nano"
PATH = "/openai/v1/chat/completions"


@pytest.fixture
def key_id(stage: Stage) -> str:
    with db.session() as session:
        rows = session.exec(select(ApiKey).where(ApiKey.provider == Provider.OPENAI)).all()
        return next(row.id for row in rows if provider_keys.open_secret(session, row.id) == KEYS["openai"])


def call(stage: Stage, model: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {stage.token}"}
    body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}]}
    return httpx.post(stage.gateway.url + PATH, headers=headers, json=body, timeout=60)


def seen(stage: Stage, key_id: str) -> dict[str, RateLimits]:
    with Session(db.engine()) as session:
        return {each.model: each for each in provider_keys.get_key(session, stage.alice, key_id).rate_limits}


def test_the_newest_word_of_each_model_is_kept(stage: Stage, key_id: str) -> None:
    since = utcnow()
    for left in ("41", "40"):
        stage.fake.renew()
        stage.fake.fail(
            PATH,
            headers={
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": left,
                "x-ratelimit-reset-requests": "1m0s",
            },
        )
        assert call(stage, MINI).status_code == 200
    stage.fake.renew()
    stage.fake.fail(PATH, status=429, headers={"retry-after": "20"}, times=1)
    assert call(stage, NANO).status_code == 429

    def told() -> bool:
        return {model for model, each in seen(stage, key_id).items() if each.observed_at > since} >= {MINI, NANO}

    assert wait_until(told, 30, 0.1), stage.gateway.said()
    found = seen(stage, key_id)
    (requests,) = found[MINI].limits
    observed = found[MINI].observed_at
    assert since < observed < utcnow()
    assert requests == RateLimit(name="requests", limit=60, remaining=40, resets_at=observed + timedelta(minutes=1))
    assert found[MINI].refused is False
    refused = found[NANO]
    assert refused.refused
    assert refused.retry_at == refused.observed_at + timedelta(seconds=20)

    stranger = owner("mallory")
    with Session(db.engine()) as session, pytest.raises(NotFoundError):
        provider_keys.get_key(session, stranger, key_id)
    with Session(db.engine()) as session:
        assert provider_keys.list_keys(session, stranger) == []
