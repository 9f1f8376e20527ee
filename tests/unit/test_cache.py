"""The cache: what was read is kept five minutes, read once however many ask, and forgotten when it changes."""

import subprocess
import sys
import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from guardian import queue
from guardian.cache import DEFAULT_TTL, CacheService
from guardian.config import settings
from tests.conftest import ROOT, Servers, forget_caches

PROGRAM = """
import sys, time
from guardian import queue
from guardian.cache import CacheService
redis = queue.connection()
redis.incr("ready")
while not redis.get("go"):
    time.sleep(0.005)
def fetch():
    redis.incr("fetched")
    time.sleep(0.3)
    return [1, 2]
print(CacheService().get_or_set("org-usage:o", fetch, owner="o"))
"""


@pytest.fixture
def redis(environment: Servers) -> Redis:
    return queue.connection()


def test_keys_are_the_guides() -> None:
    keys = CacheService.keys
    assert (keys.user_usage("u"), keys.organization_usage("o"), keys.user_dashboard("u")) == (
        "usage:u",
        "org-usage:o",
        "dashboard:u",
    )
    assert (keys.provider_status("OPENAI"), keys.pricing("OPENAI")) == ("provider:OPENAI:status", "pricing:OPENAI")


def test_five_minutes_unless_told_otherwise(redis: Redis) -> None:
    cache = CacheService()
    assert DEFAULT_TTL == 300
    cache.set_user_usage("u", {"cost": Decimal("0.10")})
    assert cache.get_user_usage("u") == {"cost": Decimal("0.10")}
    assert 290 < redis.ttl("usage:u") <= 300
    cache.get_or_set("dashboard:u", lambda: 1, 60, owner="u")
    assert 50 < redis.ttl("dashboard:u") <= 60


def test_it_is_fetched_once(redis: Redis) -> None:
    cache, calls = CacheService(), list[int]()
    for _ in range(3):
        assert cache.get_or_set("usage:u", lambda: calls.append(1) or {"n": 1}, owner="u") == {"n": 1}
    assert len(calls) == 1
    assert cache.counts() == (2, 1)
    assert cache.hit_ratio() == pytest.approx(2 / 3)


def test_of_many_threads_one_fetches(redis: Redis) -> None:
    fetched, answers, begun = list[int](), list[Any](), threading.Event()

    def fetch() -> dict[str, int]:
        fetched.append(1)
        begun.wait(5)
        return {"n": 7}

    def ask() -> None:
        answers.append(CacheService().get_or_set("usage:u", fetch, owner="u"))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 5
    while not fetched and time.monotonic() < deadline:
        time.sleep(0.01)
    begun.set()
    for thread in threads:
        thread.join(20)
    assert answers == [{"n": 7}] * 12
    assert len(fetched) == 1
    assert redis.exists("cache-flight:usage:u") == 0


class Late(Redis):
    """Somebody else fetches between its look-up and its claim to be the first."""

    def set(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.exists("usage:u"):
            CacheService().get_or_set("usage:u", lambda: {"n": 7}, owner="u")
        return super().set(name, *args, **kwargs)


def test_what_came_since_the_look_up_is_not_fetched_again(redis: Redis) -> None:
    with Late.from_url(settings().require_redis_url()) as late:
        assert CacheService(late).get_or_set("usage:u", lambda: {"n": 8}, owner="u") == {"n": 7}


def test_of_many_processes_one_fetches(redis: Redis) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    deadline = time.monotonic() + 60
    while int(redis.get("ready") or 0) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    redis.set("go", 1)
    assert [process.communicate(timeout=30)[0].strip() for process in started] == ["[1, 2]"] * 3
    assert int(redis.get("fetched") or 0) == 1


def test_one_that_fails_does_not_keep_the_others_waiting(redis: Redis) -> None:
    cache = CacheService()

    def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get_or_set("usage:u", fails, owner="u")
    assert redis.exists("cache-flight:usage:u") == 0
    assert cache.get_or_set("usage:u", lambda: 5, owner="u") == 5


def test_one_that_was_killed_while_it_fetched_is_not_waited_for_long(redis: Redis) -> None:
    redis.set("cache-flight:usage:u", b"somebody", px=100)
    assert CacheService().get_or_set("usage:u", lambda: 5, owner="u") == 5


def test_a_change_forgets_all_of_its_owner_and_nothing_else(redis: Redis) -> None:
    cache = CacheService()
    for key, owner in (("org-usage:o:a", "o"), ("org-usage:o:b", "o"), ("org-usage:p:a", "p")):
        cache.set(key, 1, owner=owner)
    before = redis.info("commandstats")
    cache.invalidate("o")
    after = redis.info("commandstats")
    assert (cache.get("org-usage:o:a"), cache.get("org-usage:o:b"), cache.get("org-usage:p:a")) == (None, None, 1)
    for forbidden in ("cmdstat_keys", "cmdstat_scan"):
        assert after.get(forbidden) == before.get(forbidden)


def test_what_was_read_before_a_change_is_not_kept_after_it(redis: Redis) -> None:
    cache = CacheService()

    def fetch() -> int:
        cache.invalidate("o")
        return 1

    assert cache.get_or_set("org-usage:o", fetch, owner="o") == 1
    assert cache.get("org-usage:o") is None


def test_too_much_is_not_kept(redis: Redis) -> None:
    cache = CacheService()
    assert cache.get_or_set("usage:u", lambda: "x" * 500, owner="u", most_bytes=100) == "x" * 500
    assert redis.exists("usage:u") == 0


def test_without_redis_everybody_fetches(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_caches()
    away = CacheService(Redis.from_url("redis://127.0.0.1:1/0"))
    assert away.get_or_set("usage:u", lambda: 5, owner="u") == 5
    assert away.get("usage:u") is None
    away.invalidate("u")
