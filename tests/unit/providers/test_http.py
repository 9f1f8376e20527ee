"""ProviderHttp against a real server: waiting, retrying, giving up, and keeping secrets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from guardian import errors
from guardian.providers.http import client as http_module
from guardian.providers.http.client import USER_AGENT, ProviderHttp
from tests.fakes.openai_api import ADMIN_KEY, PROJECT_KEY
from tests.fakes.provider_server import FakeProvider

BEARER = {"Authorization": f"Bearer {ADMIN_KEY}"}
PATH = "/organization/projects"


@pytest.fixture
def client(fake: FakeProvider, sleeps: list[float]) -> Iterator[ProviderHttp]:
    with ProviderHttp("OpenAI", fake.openai_url, timeout=5, attempts=4, sleep=sleeps.append) as made:
        yield made


def get(client: ProviderHttp, path: str = PATH) -> http_module.Answer:
    return client.get_json(path, headers=BEARER)


def test_an_answer_has_body_headers_status_and_time(fake: FakeProvider, client: ProviderHttp) -> None:
    answer = client.get_json(PATH, [("limit", "5"), ("a[]", "1"), ("a[]", "2")], BEARER)
    assert answer.body["object"] == "list"
    assert answer.status == 200
    assert answer.headers["openai-organization"] == "org-fake"
    assert answer.response_time >= 0
    (request,) = fake.log
    assert request.query == [("limit", "5"), ("a[]", "1"), ("a[]", "2")]
    assert request.headers["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("AI-Cost-Guardian/")


def test_numbers_keep_every_digit(fake: FakeProvider, client: ProviderHttp) -> None:
    fake.alter("*", lambda body: {"amount": Decimal("0.10000000000000000000000001"), "count": 7})
    body = get(client).body
    assert body == {"amount": Decimal("0.10000000000000000000000001"), "count": 7}
    assert isinstance(body["amount"], Decimal)
    assert isinstance(body["count"], int)


def test_waits_double_with_jitter_and_end_after_all_attempts(
    fake: FakeProvider, client: ProviderHttp, sleeps: list[float]
) -> None:
    fake.fail("*", status=500)
    with pytest.raises(errors.ProviderUnavailable) as caught:
        get(client)
    assert caught.value.upstream_status == 500
    assert len(fake.log) == 4
    assert [0.375 <= sleeps[0] <= 0.5, 0.75 <= sleeps[1] <= 1, 1.5 <= sleeps[2] <= 2] == [True] * 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_permanent_error_is_asked_once(
    fake: FakeProvider, client: ProviderHttp, sleeps: list[float], status: int
) -> None:
    fake.fail("*", status=status)
    with pytest.raises(errors.ProviderError) as caught:
        get(client)
    assert caught.value.permanent
    assert (len(fake.log), sleeps) == (1, [])


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "3"}, 3, 4),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5, 2),
        ({"retry-after": "soon"}, 0.375, 0.5),
        ({"retry-after": "nan"}, 0.375, 0.5),
        ({"retry-after": "-5"}, 0, 0.3),
    ],
    ids=str,
)
def test_the_wait_is_the_one_that_the_provider_asks_for(
    fake: FakeProvider,
    client: ProviderHttp,
    sleeps: list[float],
    headers: dict[str, str],
    low: float,
    high: float,
) -> None:
    fake.fail("*", status=429, headers=headers, times=1)
    get(client)
    (slept,) = sleeps
    assert low <= slept <= high


def test_a_date_as_retry_after(fake: FakeProvider, client: ProviderHttp, sleeps: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    fake.fail("*", status=503, headers={"retry-after": soon}, times=1)
    get(client)
    (slept,) = sleeps
    assert 25 <= slept <= 34


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_left_to_the_job(
    fake: FakeProvider, client: ProviderHttp, sleeps: list[float], status: int
) -> None:
    fake.fail("*", status=status, headers={"retry-after": "3600"})
    with pytest.raises((errors.ProviderRateLimited, errors.ProviderUnavailable)) as caught:
        get(client)
    assert caught.value.retry_after == 3600
    assert not caught.value.permanent
    assert (len(fake.log), sleeps) == (1, [])


def test_the_provider_says_whether_to_try_again(fake: FakeProvider, client: ProviderHttp, sleeps: list[float]) -> None:
    fake.fail("*", status=500, headers={"x-should-retry": "false"}, times=1)
    with pytest.raises(errors.ProviderUnavailable):
        get(client)
    assert sleeps == []
    fake.fail("*", status=400, headers={"x-should-retry": "true"}, times=1)
    assert get(client).status == 200
    assert len(sleeps) == 1


def test_attempts_of_one_call_can_be_fewer(fake: FakeProvider, client: ProviderHttp, sleeps: list[float]) -> None:
    fake.fail("*", status=500)
    with pytest.raises(errors.ProviderUnavailable):
        client.get_json(PATH, headers=BEARER, attempts=1)
    assert (len(fake.log), sleeps) == (1, [])


def test_redirects_do_not_carry_the_key_away(fake: FakeProvider, client: ProviderHttp) -> None:
    with FakeProvider() as elsewhere:
        fake.redirect("*", f"{elsewhere.openai_url}{PATH}")
        with pytest.raises(errors.ProviderUnavailable, match="redirect"):
            get(client)
        assert elsewhere.log == []


def test_an_answer_that_is_too_large_is_given_up(
    fake: FakeProvider, client: ProviderHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "MAX_ANSWER_BYTES", 2**20)
    fake.alter("*", lambda body: {"padding": "x" * 2**21})
    with pytest.raises(errors.ProviderContractBroken, match="larger than 1 MB"):
        get(client)
    assert len(fake.log) == 1


def test_json_that_is_too_deep_is_broken_json(fake: FakeProvider, client: ProviderHttp) -> None:
    fake.fail("*", status=200, body=b'{"a":' + b"[" * 200_000)
    with pytest.raises(errors.ProviderUnavailable, match="not valid JSON"):
        get(client)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe{", b"null", b"[1]", b'"text"', b"7"], ids=repr)
def test_anything_but_an_object_is_refused(fake: FakeProvider, client: ProviderHttp, body: bytes) -> None:
    fake.fail("*", status=200, body=body)
    with pytest.raises((errors.ProviderUnavailable, errors.ProviderContractBroken)):
        get(client)


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b"null", {"error": "plain"}, {"error": {"message": 7}}, {}], ids=repr
)
def test_a_refusal_may_have_any_body(fake: FakeProvider, client: ProviderHttp, body: Any) -> None:
    fake.fail("*", status=401, body=body)
    with pytest.raises(errors.ProviderKeyRejected):
        get(client)


def test_a_secret_that_the_provider_repeats_does_not_travel_on(fake: FakeProvider, client: ProviderHttp) -> None:
    said = f"Key {ADMIN_KEY} or sk-proj-****abcd is no good"
    fake.fail("*", status=400, body={"error": {"message": said}})
    with pytest.raises(errors.ProviderRequestRejected, match=r"Key \(key\) or \(key\) is no good") as caught:
        get(client)
    chain: list[BaseException] = []
    error: BaseException | None = caught.value
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    for found in chain:
        assert ADMIN_KEY not in repr(found) + str(found) + repr(getattr(found, "details", ""))
    assert ADMIN_KEY not in repr(client) + repr(vars(client))


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_a_secret_of_any_shape_is_taken_out(fake: FakeProvider, client: ProviderHttp, header: str) -> None:
    fake.fail("*", status=400, body={"error": {"message": "you sent tr0ub4dor-and-3"}})
    value = "Bearer tr0ub4dor-and-3" if header == "Authorization" else "tr0ub4dor-and-3"
    with pytest.raises(errors.ProviderRequestRejected, match=r"you sent \(key\)"):
        client.get_json(PATH, headers={header: value})


def test_the_words_of_a_provider_are_kept_short_and_on_one_line(fake: FakeProvider, client: ProviderHttp) -> None:
    fake.fail("*", status=400, body={"error": {"message": "line\n" * 500}})
    with pytest.raises(errors.ProviderRequestRejected) as caught:
        get(client)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/v1", "refused the connection"),
        ("http://no-such-host.invalid/v1", "was not found"),
    ],
)
def test_a_server_that_is_not_there(url: str, words: str, sleeps: list[float]) -> None:
    with (
        ProviderHttp("OpenAI", url, timeout=5, attempts=2, sleep=sleeps.append) as client,
        pytest.raises(errors.ProviderUnreachable, match=words) as caught,
    ):
        get(client)
    assert not caught.value.permanent
    assert len(sleeps) == 1


def test_a_server_that_speaks_no_tls(fake: FakeProvider) -> None:
    url = fake.openai_url.replace("http:", "https:")
    with (
        ProviderHttp("OpenAI", url, timeout=5, attempts=1) as client,
        pytest.raises(errors.ProviderUnreachable, match="No secure connection to OpenAI"),
    ):
        get(client)


def test_a_post_is_not_repeated_once_it_may_have_been_billed(fake: FakeProvider, sleeps: list[float]) -> None:
    headers = {"Authorization": f"Bearer {PROJECT_KEY}"}
    with ProviderHttp("OpenAI", fake.openai_url, timeout=0.3, attempts=3, sleep=sleeps.append) as client:
        for fault in (lambda: fake.silence("*", 30, times=1), lambda: fake.reset("*", times=1)):
            fault()
            before = len(fake.log)
            with pytest.raises(errors.ProviderUnreachable):
                client.post_json("/responses", {"input": "hi"}, headers)
            assert len(fake.log) == before + 1
        assert sleeps == []
        fake.fail("*", status=503, times=1)  # an answer that says that nothing was done
        assert client.post_json("/responses", {"input": "hi"}, headers).status == 200
        assert fake.log[-1].body == {"input": "hi"}


def test_an_outbound_proxy_of_the_environment_is_used(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = fake.openai_url.removesuffix("/openai/v1")
    monkeypatch.setenv("http_proxy", proxy.replace("http://", "http://user:word@"))
    with ProviderHttp("OpenAI", "http://provider.invalid/openai/v1", timeout=5, attempts=1) as client:
        assert get(client).status == 200
    assert fake.log[0].headers["host"] == "provider.invalid"
    assert fake.log[0].headers["proxy-authorization"].startswith("Basic ")
    monkeypatch.setenv("no_proxy", "provider.invalid")
    with (
        ProviderHttp("OpenAI", "http://provider.invalid/openai/v1", timeout=5, attempts=1) as client,
        pytest.raises(errors.ProviderUnreachable, match="not found"),
    ):
        get(client)


def test_a_transport_can_be_put_in() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"path": request.url.path}))
    with ProviderHttp("X", "https://x.test/v1/", transport=transport) as client:
        assert client.get_json("/a").body == {"path": "/v1/a"}


def test_connections_are_kept_alive_between_calls(fake: FakeProvider, client: ProviderHttp) -> None:
    for _ in range(3):
        get(client)
    assert len({r.peer for r in fake.log}) == 1


@pytest.mark.parametrize("url", ["api.openai.com/v1", "", "ftp://x.test", "https://", "//x.test"])
def test_a_base_url_that_is_none_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="OPENAI_BASE_URL"):
        ProviderHttp("OpenAI", url)
