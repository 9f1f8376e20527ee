"""Access tokens: asked for once, kept until shortly before they expire, never wanted from anybody but Google."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from joserfc import jwt
from joserfc.jwk import RSAKey

from guardian import errors
from guardian.models.enums import Provider
from guardian.providers.base import BaseProvider
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.google_keys import Account, key_file, public_pem
from tests.fakes.provider_server import FakeProvider

KEY = key_file()
DAY = timedelta(days=1)


def read_an_hour(google: BaseProvider, key: str = KEY) -> None:
    start = datetime.now(UTC) - DAY
    list(google.get_usage(key, start, start + timedelta(hours=1), "vertex"))


def tokens_asked(fake: FakeProvider) -> int:
    return sum(request.vendor == "google-oauth" for request in fake.log)


def test_one_token_serves_a_whole_pull(fake: FakeProvider, google: BaseProvider) -> None:
    read_an_hour(google)
    list(google.get_costs(KEY, datetime.now(UTC) - DAY, datetime.now(UTC)))
    assert tokens_asked(fake) == 1


def test_a_token_endpoint_that_hiccups_is_asked_again(
    fake: FakeProvider, google: BaseProvider, sleeps: list[float]
) -> None:
    fake.fail("", status=503, times=1)
    fake.reset("", times=1)
    read_an_hour(google)
    assert (tokens_asked(fake), len(sleeps)) == (3, 2)
    assert {r.headers["content-type"] for r in fake.log[:3]} == {"application/x-www-form-urlencoded"}


def test_two_keys_have_two_tokens(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.state.accounts["second@my-proj.iam.gserviceaccount.com"] = Account("second")
    for key in (KEY, key_file("second"), KEY):
        read_an_hour(google, key)
    assert tokens_asked(fake) == 2


def test_a_token_is_replaced_before_it_expires(fake: FakeProvider, google: BaseProvider) -> None:
    began = datetime.now(UTC)
    with freeze_time(began, tick=True) as clock:
        fake.google.state.now = lambda: datetime.now(UTC).timestamp()
        read_an_hour(google)
        asked = datetime.now(UTC)
        clock.move_to(began + timedelta(minutes=58))
        read_an_hour(google)
        assert tokens_asked(fake) == 1
        # A minute before its end it might expire on the way.
        clock.move_to(asked + timedelta(minutes=59, seconds=10))
        read_an_hour(google)
        assert tokens_asked(fake) == 2


def test_the_assertion_asks_for_reading_and_is_signed_with_the_account_s_key(
    fake: FakeProvider, google: BaseProvider
) -> None:
    read_an_hour(google)
    body = fake.log[0].body or {}
    assert body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    token = jwt.decode(body["assertion"], RSAKey.import_key(public_pem("reader")), algorithms=["RS256"])
    assert token.header["kid"] == "reader00112233445566778899aabbccddeeff"
    assert token.claims["iss"] == "reader@my-proj.iam.gserviceaccount.com"
    assert token.claims["aud"] == "https://oauth2.googleapis.com/token"
    assert token.claims["exp"] - token.claims["iat"] == 3600
    assert set(token.claims["scope"].split()) == {
        "https://www.googleapis.com/auth/bigquery",
        "https://www.googleapis.com/auth/monitoring.read",
    }


def test_the_file_s_own_token_address_is_not_used(fake: FakeProvider, google: BaseProvider) -> None:
    read_an_hour(google, key_file(token_uri="http://169.254.169.254/token"))
    assert tokens_asked(fake) == 1


def test_a_key_that_signs_with_another_s_name_is_rejected(fake: FakeProvider, google: BaseProvider) -> None:
    stolen = key_file("stranger", client_email="reader@my-proj.iam.gserviceaccount.com")
    with pytest.raises(errors.ProviderKeyRejected, match="wrong, revoked or expired"):
        read_an_hour(google, stolen)


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_wrong_clock_is_not_the_key_s_fault(fake: FakeProvider, google: BaseProvider, hours: int) -> None:
    right = datetime.now(UTC).timestamp()
    fake.google.state.now = lambda: right
    with (
        freeze_time(datetime.now(UTC) + timedelta(hours=hours), tick=True),
        pytest.raises(errors.ProviderRequestRejected, match="Set its clock right"),
    ):
        read_an_hour(google)


@pytest.mark.parametrize("body", [{}, {"access_token": 7, "expires_in": 3599}, {"access_token": "x"}])
def test_an_answer_without_a_token_is_refused(
    fake: FakeProvider, google: BaseProvider, body: dict[str, object]
) -> None:
    fake.alter("", lambda _body: body)
    with pytest.raises(errors.ProviderContractBroken, match="Google's access token answer"):
        read_an_hour(google)


def test_no_token_and_no_assertion_in_an_error(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    google = make_adapter(Provider.GOOGLE, attempts=1)
    echo = {"error": {"code": 403, "message": "", "status": "PERMISSION_DENIED"}}

    def repeat(body: dict[str, object]) -> None:
        echo["error"]["message"] = f"Denied for {body['access_token']}"

    fake.alter("", repeat)
    fake.fail("/v3/*", status=403, body=echo)
    with pytest.raises(errors.ProviderForbidden, match="Denied for") as caught:
        read_an_hour(google)
    (secret,) = fake.google.state.tokens
    assert secret not in str(caught.value)
