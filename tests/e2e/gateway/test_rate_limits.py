"""What providers say of their rate limits, kept per key and model for its organization alone; a token's own limits."""

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


def call(stage: Stage, model: str, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or stage.token}"}
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


def test_tokens_a_minute_are_those_that_answers_state(stage: Stage) -> None:
    """A request's size says little of them: the answers' own numbers count, and those of errors do not."""
    stage.fake.renew()
    assert call(stage, MINI).status_code == 200
    (served,) = stage.fake.served
    each = served.input + served.output
    stage.fake.renew()
    token, _ = stage.add_token(tokens_per_minute=3 * each)
    stage.fake.fail(PATH, status=400, times=3)
    answers = [call(stage, MINI, token).status_code for _ in range(8)]
    # What is left of the minute before counts in part, should a new one begin meanwhile: then one more may fit.
    assert answers[:6] == [400] * 3 + [200] * 3
    assert answers[-1] == 429
