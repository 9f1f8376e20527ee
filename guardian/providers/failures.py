"""What went wrong between us and a provider, as one error of our tree and one sentence that says what to do."""

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, cast

import httpcore
import httpx

from guardian.errors import (
    ProviderError,
    ProviderForbidden,
    ProviderKeyRejected,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRequestRejected,
    ProviderUnavailable,
    ProviderUnreachable,
)

# What looks like a key in a provider's own sentence ("Incorrect API key provided: sk-proj-****abcd").
_KEY_LIKE = re.compile(r"\b(?:sk|xai|pplx|gdn)[-_][\w*.-]{3,}|\bAIza[\w-]{10,}")
_QUOTED = 240  # characters of a provider's own words that are repeated to the user


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered: a JSON object, headers by lower-case name, and the milliseconds that it took.

    `body` is empty when a refusal was not JSON.
    """

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    response_time: int = 0

    @property
    def error(self) -> Mapping[str, Any]:
        """The `error` object that OpenAI, Anthropic, Google and xAI all send, or an empty one."""
        found = self.body.get("error")
        return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def said(self) -> str:
        """The provider's own sentence, on one line, without anything that looks like a key; may be empty.

        It is `error.message`, `message`, `error` or `detail`, which FastAPI fills with a text or a list of {msg}.
        """
        message = self.error.get("message") or self.body.get("message") or self.body.get("error")
        text = " ".join(message.split()) if isinstance(message, str) else _detail(self.body.get("detail"))
        text = _KEY_LIKE.sub("(key)", text)
        return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


def _detail(found: object) -> str:
    items = cast("list[object]", found) if isinstance(found, list) else [found]
    said = [cast("Mapping[str, Any]", item).get("msg") if isinstance(item, dict) else item for item in items]
    return "; ".join(" ".join(each.split()) for each in said if isinstance(each, str))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that the provider asks us to wait: `retry-after-ms`, else `retry-after` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) / unit
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(text).astimezone(UTC) - (now or datetime.now(UTC))).total_seconds()
            except (ValueError, OverflowError):
                continue
        if isfinite(seconds):
            return max(0.0, seconds)
    return None


def quoted(said: str) -> str:
    """The provider's words as the tail of a sentence of ours."""
    return f": “{said.rstrip('.')}”." if said else "."


def duration(seconds: float) -> str:
    """Seconds as a person says them: "20 seconds", "5 minutes", "2 hours"."""
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {name}s"
    whole = max(1, round(seconds))
    return f"{whole} second{'' if whole == 1 else 's'}"


def rate_limited(vendor: str, answer: Answer) -> ProviderError:
    wait = retry_after(answer.headers)
    asks = "" if wait is None else f" and asks to wait {duration(wait)}"
    return ProviderRateLimited(
        f"{vendor} limits how often this account may ask{asks}; this usually passes by itself.",
        upstream_status=answer.status,
        retry_after=wait,
    )


def from_status(vendor: str, answer: Answer) -> ProviderError:
    """The error that a status of 400 or more means at any provider; vendors refine it by their own error codes."""
    status = answer.status
    if status == 401:
        return ProviderKeyRejected(
            f"{vendor} does not accept this key: it is wrong, revoked or expired. Replace it with a valid one.",
            upstream_status=status,
        )
    if status == 402:
        return ProviderQuotaExhausted(
            f"{vendor} refuses because of the account's billing; settle it in {vendor}'s console{quoted(answer.said)}",
            upstream_status=status,
        )
    if status == 403:
        return ProviderForbidden(
            f"{vendor} does not let this key do that{quoted(answer.said)} Give the key the permission, or replace it.",
            upstream_status=status,
        )
    if status == 429:
        return rate_limited(vendor, answer)
    if status in (408, 409) or status >= 500:
        return ProviderUnavailable(
            f"{vendor} has a problem on its side (HTTP {status}); this usually passes by itself.",
            upstream_status=status,
            retry_after=retry_after(answer.headers),
        )
    return ProviderRequestRejected(
        f"{vendor} rejected the request (HTTP {status}){quoted(answer.said)}", upstream_status=status
    )


def redirected(vendor: str, status: int) -> ProviderError:
    return ProviderUnavailable(
        f"{vendor} answered with a redirect (HTTP {status}), which is not followed because it would carry the key "
        "elsewhere. Check the provider's base URL and any proxy in between.",
        upstream_status=status,
    )


def web_page(vendor: str, status: int) -> ProviderError:
    return ProviderUnavailable(
        f"{vendor} answered with a web page instead of data (HTTP {status}): an outage, a proxy or firewall in "
        "between, or the wrong base URL. Check that URL if this does not pass by itself.",
        upstream_status=status,
    )


def broken_json(vendor: str, status: int) -> ProviderError:
    return ProviderUnavailable(
        f"{vendor}'s answer broke off or is not valid JSON (HTTP {status}). This usually passes by itself.",
        upstream_status=status,
    )


def from_wire(vendor: str, host: str, error: Exception, timeout: float) -> ProviderError:
    """The error for a call that got no whole answer; `error` is httpx's or httpcore's."""
    if isinstance(error, (httpx.ConnectTimeout, httpcore.ConnectTimeout)):
        return ProviderUnreachable(f"No connection to {vendor} ({host}) within {duration(timeout)}. Check the network.")
    if isinstance(error, (httpx.TimeoutException, httpcore.TimeoutException)):
        return ProviderUnreachable(
            f"{vendor} did not answer within {duration(timeout)}; this usually passes by itself."
        )
    cause = _deepest(error)
    if isinstance(cause, socket.gaierror):
        return ProviderUnreachable(
            f"The address of {vendor} ({host}) was not found. Check this server's DNS and network."
        )
    if isinstance(cause, ssl.SSLError):
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason
        return ProviderUnreachable(
            f"No secure connection to {vendor} ({host}): {reason or 'TLS failed'}. Check for a proxy that inspects TLS."
        )
    if isinstance(error, (httpx.ProxyError, httpcore.ProxyError)):
        return ProviderUnreachable(f"The outbound proxy did not connect to {vendor} ({host}). Check HTTPS_PROXY.")
    if isinstance(cause, ConnectionRefusedError):
        return ProviderUnreachable(
            f"{vendor} ({host}) refused the connection. Check the provider's base URL and the network."
        )
    if isinstance(error, (httpx.ConnectError, httpcore.ConnectError)):
        return ProviderUnreachable(f"No connection to {vendor} ({host}). Check this server's network.")
    return ProviderUnreachable(
        f"{vendor} closed the connection before its answer was whole; this usually passes by itself."
    )


def _deepest(error: BaseException) -> BaseException:
    """What the socket said. httpcore re-raises its errors without their cause, but keeps it as their argument."""
    inner = error.__cause__ or (error.args[0] if error.args else None)
    return _deepest(inner) if isinstance(inner, BaseException) else error
