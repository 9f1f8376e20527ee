"""What each vendor's headers say of its rate limits, in one shape."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.gateway.limit_headers import limits_in
from guardian.services.people.views import RateLimit

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def read(headers: dict[str, str], status: int = 200) -> list[RateLimit]:
    found = limits_in([(name.encode(), value.encode()) for name, value in headers.items()], status, "gpt-5", NOW)
    return list(found.limits) if found else []


def test_openai_and_its_like() -> None:
    assert read(
        {
            "X-RateLimit-Limit-Requests": "5000",
            "x-ratelimit-remaining-requests": "4999",
            "x-ratelimit-reset-requests": "12ms",
            "x-ratelimit-limit-tokens": "160000",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "6m1.5s",
            "content-type": "application/json",
        }
    ) == [
        RateLimit(name="requests", limit=5000, remaining=4999, resets_at=NOW + timedelta(milliseconds=12)),
        RateLimit(name="tokens", limit=160_000, remaining=0, resets_at=NOW + timedelta(minutes=6, seconds=1.5)),
    ]


def test_anthropic() -> None:
    assert read(
        {
            "anthropic-ratelimit-input-tokens-limit": "400000",
            "anthropic-ratelimit-input-tokens-remaining": "399000",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-23T12:00:06Z",
            "anthropic-priority-output-tokens-remaining": "5",
        }
    ) == [
        RateLimit(name="input-tokens", limit=400_000, remaining=399_000, resets_at=NOW + timedelta(seconds=6)),
        RateLimit(name="priority-output-tokens", remaining=5),
    ]


def test_servers_of_other_habits() -> None:
    assert read({"x-ratelimit-remaining-req-minute": "59"}) == [RateLimit(name="req-minute", remaining=59)]
    soon = NOW + timedelta(seconds=30)
    for reset in ("30", str(int(soon.timestamp())), str(int(soon.timestamp() * 1000))):
        (found,) = read({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "3", "x-ratelimit-reset": reset})
        assert found == RateLimit(name="requests", limit=20, remaining=3, resets_at=soon), reset


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "6500"}, 6.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:01:00 GMT"}, 60.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_refusal_says_when_to_come_again(headers: dict[str, str], after: float | None) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    found = limits_in(pairs, 429, "gpt-5", NOW)
    assert found is not None
    assert (found.refused, found.model, found.observed_at) == (True, "gpt-5", NOW)
    assert found.retry_at == (None if after is None else NOW + timedelta(seconds=after))


def test_an_answer_that_says_nothing_of_limits() -> None:
    assert limits_in([(b"content-type", b"text/html"), (b"retry-after", b"5")], 503, "gpt-5", NOW) is None
    assert read({"x-ratelimit-limit-requests": "many", "anthropic-ratelimit-unified-status": "allowed"}) == []


_names = st.one_of(
    st.sampled_from(
        ["x-ratelimit-reset-tokens", "x-ratelimit-limit-requests", "anthropic-ratelimit-tokens-reset", "retry-after"]
    ),
    st.text(max_size=30),
)


@given(st.lists(st.tuples(_names, st.one_of(st.text(max_size=30), st.floats().map(str))), max_size=40))
def test_whatever_a_server_sends_is_no_error(headers: list[tuple[str, str]]) -> None:
    pairs = [(n.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for n, v in headers]
    found = limits_in(pairs, 429, "m", NOW)
    assert found is not None
    assert len(found.limits) <= 20
