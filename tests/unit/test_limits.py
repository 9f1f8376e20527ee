"""Rate limits: exact under concurrency, given back, forgotten, and kept in memory while Redis is away."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from guardian import limits, queue
from guardian.errors import RateLimitError
from guardian.limits import Limit
from tests.conftest import Servers, forget_caches

LIMIT = Limit("test", count=3, seconds=60)


def tries(count: int, key: str = "k") -> list[bool]:
    def attempt(_n: int) -> bool:
        try:
            limits.hit(LIMIT, key)
        except RateLimitError as limited:
            return not 1 <= limited.retry_after <= 60
        return True

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(attempt, range(count)))


@pytest.fixture(params=["redis", "memory"])
def store(request: pytest.FixtureRequest, environment: Servers, monkeypatch: pytest.MonkeyPatch) -> str:
    """Redis, or none."""
    monkeypatch.setattr(limits, "_memory", limits._Memory())
    monkeypatch.setattr(limits, "_patience", limits._Patience())
    if request.param == "memory":
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        forget_caches()
    return request.param


def test_as_many_as_allowed_pass_however_many_try_at_once(store: str) -> None:
    assert sum(tries(20)) == 3
    assert sum(tries(5, "another")) == 3


def test_a_call_given_back_can_be_made_again(store: str) -> None:
    assert all(tries(3))
    limits.give_back(LIMIT, "k")
    assert tries(1) == [True]
    assert tries(1) == [False]
    limits.give_back(LIMIT, "never counted")


def test_a_forgotten_window_starts_anew(store: str) -> None:
    tries(5)
    limits.forget(LIMIT, "k")
    assert sum(tries(5)) == 3


def test_a_window_ends_by_itself(environment: Servers) -> None:
    tries(5)
    assert 0 < queue.connection().ttl("limit:test:k") <= 60
    queue.connection().delete("limit:test:k")
    assert tries(1) == [True]


def test_redis_is_asked_again_after_it_came_back(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_patience", limits._Patience())
    monkeypatch.setattr(limits, "PAUSE_SECONDS", 0.0)
    url = environment.redis_url
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget_caches()
    tries(1, "elsewhere")
    monkeypatch.setenv("REDIS_URL", url)
    forget_caches()
    assert sum(tries(5)) == 3
    assert queue.connection().exists("limit:test:k")
