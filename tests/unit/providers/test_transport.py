"""The guard of the wire: it decides at connect time, through whatever name, and before anything is sent."""

from collections.abc import Sequence

import pytest

from guardian import errors
from guardian.outbound import reachable
from guardian.providers.http.client import ProviderHttp
from guardian.wire import DeadlineTransport, Guard
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider

BEARER = {"Authorization": f"Bearer {openai_api.PROJECT_KEY}"}


def guarded(fake: FakeProvider, guard: Guard, sleeps: list[float], host: str = "127.0.0.1") -> ProviderHttp:
    url = fake.openai_url.replace("127.0.0.1", host)
    return ProviderHttp("Custom", url, transport=DeadlineTransport(url, guard=guard), sleep=sleeps.append)


def allowing(*entries: str) -> Guard:
    return lambda host, port: reachable(host, port, entries)


def test_a_private_address_is_not_even_connected_to(fake: FakeProvider, sleeps: list[float]) -> None:
    for host in ("127.0.0.1", "localhost"):
        with (
            guarded(fake, allowing(), sleeps, host) as http,
            pytest.raises(
                errors.ProviderAddressRefused, match=rf"^{host} .*is not a public address.* OUTBOUND_ALLOWLIST\.$"
            ) as caught,
        ):
            http.get_json("/models", headers=BEARER)
        assert caught.value.permanent
    assert (fake.log, sleeps) == ([], [])


def test_an_allowed_one_is(fake: FakeProvider, sleeps: list[float]) -> None:
    port = fake.openai_url.split(":")[2].split("/")[0]
    with guarded(fake, allowing(f"127.0.0.1:{port}"), sleeps) as http:
        assert http.get_json("/models", headers=BEARER).status == 200


def test_the_connection_goes_to_the_address_that_was_checked(fake: FakeProvider, sleeps: list[float]) -> None:
    """The name resolves nowhere: only the guard's own answer can have led to the server."""
    asked: list[tuple[str, int]] = []

    def guard(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with guarded(fake, guard, sleeps, "rebound.invalid") as http:
        http.get_json("/models", headers=BEARER)
        http.get_json("/models", headers=BEARER)
    assert len(asked) == 1  # a kept-alive connection stays where it is
    assert fake.log[0].headers["host"].startswith("rebound.invalid:")


def test_the_next_address_is_tried_when_one_refuses(fake: FakeProvider, sleeps: list[float]) -> None:
    with guarded(fake, lambda _host, _port: ["127.0.0.2", "127.0.0.1"], sleeps, "two.invalid") as http:
        assert http.get_json("/models", headers=BEARER).status == 200
    assert sleeps == []


def test_an_unknown_name_is_told_as_one(fake: FakeProvider, sleeps: list[float]) -> None:
    with (
        guarded(fake, allowing(), sleeps, "nowhere.invalid") as http,
        pytest.raises(errors.ProviderUnreachable, match=r"address of Custom \(nowhere.invalid\) was not found"),
    ):
        http.get_json("/models")


def test_a_proxy_does_not_lead_around_the_guard(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, sleeps: list[float]
) -> None:
    port = fake.openai_url.split(":")[2].split("/")[0]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.delenv("no_proxy", raising=False)
    url = "http://10.0.0.1/v1"
    http = ProviderHttp(
        "Custom", url, transport=DeadlineTransport(url, guard=allowing("127.0.0.1")), sleep=sleeps.append
    )
    with http, pytest.raises(errors.ProviderAddressRefused, match=r"^10\.0\.0\.1 is not a public address"):
        http.get_json("/models")
    assert fake.log == []


def test_any_certificate_will_do_only_where_that_is_asked_for() -> None:
    url = "https://127.0.0.1:9"
    assert DeadlineTransport(url)._connections._ssl_context.verify_mode.name == "CERT_REQUIRED"
    assert DeadlineTransport(url, verify=False)._connections._ssl_context.verify_mode.name == "CERT_NONE"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "nested words"}}, "nested words"),
        ({"error": "plain words"}, "plain words"),
        ({"code": "invalid", "error": "coded words"}, "coded words"),
        ({"detail": "Unauthorized words"}, "Unauthorized words"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}, {"msg": "too long"}]}, "field required; too long"),
        ({"object": "error", "message": "old vLLM words", "type": "BadRequestError"}, "old vLLM words"),
        ({"message": "bare words"}, "bare words"),
        (b"only text", "only text"),
    ],
    ids=str,
)
def test_every_shape_of_a_refusal_is_read(fake: FakeProvider, sleeps: list[float], body: object, said: str) -> None:
    fake.fail("/models", status=422, body=body)
    with (
        ProviderHttp("Custom", fake.openai_url, sleep=sleeps.append) as http,
        pytest.raises(errors.ProviderRequestRejected, match=said),
    ):
        http.get_json("/models", headers=BEARER)


def test_a_question_by_post_is_tried_again_after_a_lost_answer(fake: FakeProvider, sleeps: list[float]) -> None:
    body = {"model": "gpt-6-sol", "messages": []}
    with ProviderHttp("Custom", fake.openai_url, sleep=sleeps.append) as http:
        fake.reset("/chat/completions", times=1)
        with pytest.raises(errors.ProviderUnreachable):
            http.post_json("/chat/completions", body, BEARER)
        assert sleeps == []
        fake.reset("/chat/completions", times=1)
        assert http.post_json("/chat/completions", body, BEARER, repeatable=True).status == 200
    assert len(sleeps) == 1


def test_a_page_is_taken_at_its_status_where_the_vendor_refuses_keys_so(
    fake: FakeProvider, sleeps: list[float]
) -> None:
    fake.html("/models", status=401)
    with (
        ProviderHttp("Custom", fake.openai_url, sleep=sleeps.append, meant_pages=(401,)) as http,
        pytest.raises(errors.ProviderKeyRejected),
    ):
        http.get_json("/models", headers=BEARER)


def test_the_value_of_any_secret_header_is_taken_out_of_what_is_said(fake: FakeProvider, sleeps: list[float]) -> None:
    fake.fail("/models", status=422, body={"error": "no tenant tenant-secret-1 here"})
    http = ProviderHttp("Custom", fake.openai_url, sleep=sleeps.append, secret_headers=("x-tenant",))
    with http, pytest.raises(errors.ProviderRequestRejected, match=r"no tenant \(key\) here") as caught:
        http.get_json("/models", headers=BEARER | {"X-Tenant": "tenant-secret-1"})
    assert "tenant-secret-1" not in caught.value.message
