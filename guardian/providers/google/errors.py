"""What Google's refusals really mean: the reasons in their details, and how long a quota lasts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from zoneinfo import ZoneInfo

from guardian.errors import (
    ProviderError,
    ProviderForbidden,
    ProviderKeyRejected,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderWrongKeyKind,
)
from guardian.periods import DAY, local_midnight, utcnow
from guardian.providers.failures import Answer, duration, quoted

# Quotas per day end at midnight there (ai.google.dev, rate limits).
_QUOTA_ZONE = ZoneInfo("America/Los_Angeles")
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)s$")
_RETRY_IN = re.compile(r"retry in (\d+(?:\.\d+)?)s", re.IGNORECASE)
_BAD_KEY = {"API_KEY_INVALID", "API_KEY_EXPIRED", "CONSUMER_INVALID", "ACCOUNT_STATE_INVALID"}
_NO_MONEY = {"BILLING_DISABLED", "billingNotEnabled"}
# BigQuery answers 403 for these, and means 429.
_TOO_FAST = {"rateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"}


def classify(answer: Answer, *, cloud: bool) -> ProviderError | None:
    """Google's own meaning of a refusal, or None where the status says it all.

    `cloud` says whether a service account asked BigQuery or Monitoring, or else a Gemini key the Gemini API.
    """
    status, found = answer.status, reasons(answer)
    if found & _BAD_KEY or (status == 403 and "reported as leaked" in answer.said):
        return ProviderKeyRejected(
            "Google does not accept this key: it is wrong, revoked or expired. Replace it with a valid one.",
            upstream_status=status,
        )
    if status == 429 or found & _TOO_FAST:
        return _limited(answer)
    if found & _NO_MONEY:
        return ProviderQuotaExhausted(
            f"Google refuses because the project has no billing account; link one{quoted(answer.said)}",
            upstream_status=status,
        )
    if not cloud and _wrong_kind(answer, found):
        return ProviderWrongKeyKind(
            "This is a credential of Google, but not a Gemini API key. Create one at "
            "https://aistudio.google.com/apikey, or paste a service account's JSON file to read usage.",
            upstream_status=status,
        )
    return _blocked(answer, found) if status == 403 else None


def _wrong_kind(answer: Answer, found: set[str]) -> bool:
    if answer.status == 401:
        return answer.error.get("status") == "UNAUTHENTICATED"
    return answer.status == 400 and "Multiple authentication credentials" in answer.said and not found


def _blocked(answer: Answer, found: set[str]) -> ProviderError | None:
    if "SERVICE_DISABLED" in found or "accessNotConfigured" in found:
        return ProviderForbidden(
            f"An API that is needed is switched off in this key's project{quoted(answer.said)} Enable it in Google "
            "Cloud, APIs and services.",
            upstream_status=403,
        )
    if any(reason.startswith("API_KEY_") and reason.endswith("_BLOCKED") for reason in found):
        return ProviderForbidden(
            f"This key's restrictions do not let it do that{quoted(answer.said)} Change its API and application "
            "restrictions in Google Cloud, APIs and services, Credentials.",
            upstream_status=403,
        )
    return None


def _limited(answer: Answer) -> ProviderError:
    wait = _retry_delay(answer)
    if any("PerDay" in quota for quota in _quotas(answer)):
        now = utcnow()
        wait = (local_midnight(now.astimezone(_QUOTA_ZONE).date() + DAY, _QUOTA_ZONE) - now).total_seconds()
    asks = "" if wait is None else f" and asks to wait {duration(wait)}"
    return ProviderRateLimited(
        f"Google limits how often this project may ask{asks}; this usually passes by itself.",
        upstream_status=answer.status,
        retry_after=wait,
    )


def reasons(answer: Answer) -> set[str]:
    """The reasons of ErrorInfo details, and those that BigQuery lists under `errors`."""
    named = [d.get("reason") for d in _details(answer, "ErrorInfo")]
    named += [e.get("reason") for e in _objects(answer.error.get("errors"))]
    return {reason for reason in named if isinstance(reason, str)}


def _retry_delay(answer: Answer) -> float | None:
    """From the header, RetryInfo's "45s", or the message's "Please retry in 45.8s"."""
    header = answer.headers.get("retry-after", "")
    if header.isdigit():
        return float(header)
    for info in _details(answer, "RetryInfo"):
        if found := _SECONDS.match(str(info.get("retryDelay"))):
            return float(found[1])
    found = _RETRY_IN.search(str(answer.error.get("message")))
    return float(found[1]) if found else None


def _quotas(answer: Answer) -> Iterator[str]:
    for failure in _details(answer, "QuotaFailure"):
        for violation in _objects(failure.get("violations")):
            yield str(violation.get("quotaId"))


def _details(answer: Answer, kind: str) -> Iterator[Mapping[str, Any]]:
    for detail in _objects(answer.error.get("details")):
        if str(detail.get("@type")).endswith(f"google.rpc.{kind}"):
            yield detail


def _objects(found: object) -> Iterator[Mapping[str, Any]]:
    for item in cast("list[object]", found) if isinstance(found, list) else []:
        if isinstance(item, dict):
            yield cast("Mapping[str, Any]", item)
