"""What Google's refusals mean: each reason its class, and how long a quota lasts."""

from datetime import UTC, datetime
from typing import Any

import pytest
from freezegun import freeze_time

from guardian import errors
from guardian.providers.failures import Answer, from_status
from guardian.providers.google.errors import classify

INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def answer(status: int, message: str = "no", state: str = "PERMISSION_DENIED", **error: Any) -> Answer:
    return Answer(status, {"error": {"code": status, "message": message, "status": state, **error}}, {})


def because(reason: str) -> dict[str, Any]:
    return {"details": [{"@type": INFO, "reason": reason}]}


def meaning(found: Answer, *, cloud: bool = False) -> errors.ProviderError:
    return classify(found, cloud=cloud) or from_status("Google", found)


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        (answer(400, "API key not valid.", "INVALID_ARGUMENT", **because("API_KEY_INVALID")), "KeyRejected", "revoked"),
        (answer(400, "API key expired.", "INVALID_ARGUMENT", **because("API_KEY_EXPIRED")), "KeyRejected", "expired"),
        (answer(403, "Your API key was reported as leaked. Use another."), "KeyRejected", "Replace it"),
        (answer(401, "", "UNAUTHENTICATED"), "WrongKeyKind", "aistudio.google.com"),
        (answer(400, "Multiple authentication credentials received.", "INVALID_ARGUMENT"), "WrongKeyKind", "Gemini"),
        (answer(403, "It is disabled.", **because("SERVICE_DISABLED")), "Forbidden", "switched off"),
        (answer(403, "", **because("API_KEY_SERVICE_BLOCKED")), "Forbidden", "restrictions"),
        (answer(403, "", **because("API_KEY_HTTP_REFERRER_BLOCKED")), "Forbidden", "restrictions"),
        (answer(403, "", **because("API_KEY_IP_ADDRESS_BLOCKED")), "Forbidden", "restrictions"),
        (answer(403, "", **because("BILLING_DISABLED")), "QuotaExhausted", "billing account"),
        (answer(403, "Something else."), "Forbidden", "Something else"),
        (answer(400, "User location is not supported.", "FAILED_PRECONDITION"), "RequestRejected", "User location"),
        (answer(503, "overloaded", "UNAVAILABLE"), "Unavailable", "HTTP 503"),
        (answer(504, "late", "DEADLINE_EXCEEDED"), "Unavailable", "HTTP 504"),
    ],
    ids=lambda v: str(v.error.get("message")) if isinstance(v, Answer) else None,
)
def test_refusals_of_the_gemini_api(found: Answer, kind: str, words: str) -> None:
    error = meaning(found)
    assert type(error).__name__ == f"Provider{kind}"
    assert words in error.message
    assert error.upstream_status == found.status


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (answer(401, "", "UNAUTHENTICATED"), "KeyRejected"),
        (answer(403, "Access Denied", errors=[{"reason": "accessDenied"}]), "Forbidden"),
        (answer(403, "Exceeded rate limits", errors=[{"reason": "rateLimitExceeded"}]), "RateLimited"),
        (answer(403, "Quota exceeded", errors=[{"reason": "quotaExceeded"}]), "RateLimited"),
        (answer(403, "Not enabled", errors=[{"reason": "billingNotEnabled"}]), "QuotaExhausted"),
        (answer(403, "Not used before", errors=[{"reason": "accessNotConfigured"}]), "Forbidden"),
        (answer(404, "Not found: Table", "NOT_FOUND", errors=[{"reason": "notFound"}]), "RequestRejected"),
    ],
    ids=lambda v: str(v.error.get("message")) if isinstance(v, Answer) else None,
)
def test_refusals_of_the_cloud(found: Answer, kind: str) -> None:
    assert type(meaning(found, cloud=True)).__name__ == f"Provider{kind}"


@pytest.mark.parametrize(
    ("error", "headers", "wait"),
    [
        ({"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "45s"}]}, {}, 45),
        ({"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "0.5s"}]}, {}, 0.5),
        ({"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "45s"}]}, {"retry-after": "7"}, 7),
        ({"message": "Slow down.\nPlease retry in 45.811974541s."}, {}, 45.811974541),
        ({"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "soon"}]}, {}, None),
        ({"details": "nonsense"}, {}, None),
        ({"details": [None, 7, {}]}, {"retry-after": "soon"}, None),
    ],
)
def test_how_long_to_wait(error: dict[str, Any], headers: dict[str, str], wait: float | None) -> None:
    found = meaning(Answer(429, {"error": {"message": "no", **error}}, headers))
    assert type(found) is errors.ProviderRateLimited
    assert found.retry_after == wait


def test_a_quota_of_the_day_lasts_until_midnight_at_google() -> None:
    details = [
        {"@type": "x/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]},
        {"@type": "x/google.rpc.RetryInfo", "retryDelay": "45s"},
    ]
    with freeze_time(datetime(2026, 11, 23, 7, 30, tzinfo=UTC)):
        # 23:30 of the day before in Los Angeles
        found = meaning(Answer(429, {"error": {"message": "no", "details": details}}, {}))
    assert found.retry_after == 1800
    assert "asks to wait 30 minutes" in found.message
