"""Rate limits: exact under concurrency, given back, forgotten, and kept in memory while Redis is away."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from guardian import limits, queue
from guardian.errors import RateLimitError
from guardian.limits import Limit
from tests.conftest import Servers, forget_caches

LIMIT = Limit("test", count=3, seconds=60)
KEY = "limit:{test:k}"


class _Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    @contextmanager
    def running(self) -> Generator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits.time, "monotonic", lambda: self.now)
            yield


def tries(count: int, key: str = "k") -> list[bool]:
    def attempt(_n: int) -> bool:
        try:
            limits.hit(LIMIT, key)
        except RateLimitError as limited:
            return not 1 <= limited.retry_after <= 81
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
    """Twice its length: for as long again it weighs on the next one."""
    tries(5)
    assert 60 < queue.connection().ttl(KEY) <= 120
    queue.connection().delete(KEY)
    assert tries(1) == [True]


def test_what_was_counted_before_weighs_by_its_share_of_the_last_minute(environment: Servers) -> None:
    tries(5)
    queue.connection().pexpire(KEY, 59_000)  # its own minute is over since a second
    assert sum(tries(5)) == 1  # 3 calls, of which 59/60 count: 2.95
    queue.connection().pexpire(f"{KEY}/-1", 30_000)
    assert sum(tries(5)) == 1  # less than half of them counts: 1, and the one since


def test_memory_slides_as_redis_does() -> None:
    clock, memory = _Clock(), limits._Memory()
    with clock.running():
        assert [memory.take(LIMIT, "k").allowed for _ in range(5)] == [True] * 3 + [False] * 2
        clock.now += 61
        assert [memory.take(LIMIT, "k").allowed for _ in range(3)] == [True, False, False]
        clock.now += 39
        assert [memory.take(LIMIT, "k").allowed for _ in range(3)] == [True, False, False]
        clock.now += 200
        assert sum(memory.take(LIMIT, "k").allowed for _ in range(5)) == 3


def test_the_wait_that_is_told_is_enough(store: str) -> None:
    """Who waits as long as they are told is served: nobody is sent into a second refusal."""
    clock, memory = _Clock(), limits._Memory()
    with clock.running():
        for _ in range(40):
            standing = memory.take(LIMIT, "k")
            if not standing.allowed:
                clock.now += standing.reset
                assert memory.take(LIMIT, "k").allowed
            clock.now += 7


def test_a_key_knows_how_it_stands(store: str) -> None:
    assert [(s.remaining, s.allowed) for s in (limits.take((LIMIT, "k"))[0] for _ in range(4))] == [
        (2, True),
        (1, True),
        (0, True),
        (0, False),
    ]
    assert 1 <= limits.take((LIMIT, "k"))[0].reset <= 81


def test_several_limits_are_one_trip(environment: Servers) -> None:
    wide = Limit("wide", count=10, seconds=60)
    limits.take((LIMIT, "k"), (wide, "a"))
    before = queue.connection().info("stats")["total_reads_processed"]
    found = limits.take((LIMIT, "k"), (wide, "a"))
    after = queue.connection().info("stats")["total_reads_processed"]
    assert [each.remaining for each in found] == [1, 8]
    assert after - before <= 2  # this one, and the question itself


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
    assert queue.connection().exists(KEY)
