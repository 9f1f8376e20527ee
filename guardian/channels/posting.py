"""One POST to an address that a person gave: every wait bounded, no redirect followed, private addresses refused."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import msgspec

from guardian import __version__
from guardian.channels.base import ChannelError, Sent
from guardian.config import settings
from guardian.errors import OutboundRefused
from guardian.logs import mask
from guardian.outbound import reachable
from guardian.periods import utcnow
from guardian.wire import DeadlineTransport, deadline

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0  # the least that the Standard Webhooks specification recommends
MAX_ANSWER_BYTES = 8 * 1024
LONGEST_WISH = 24 * 3600.0  # a Retry-After beyond this is no wish but a fault
_QUOTED = 200  # characters of a server's own words that are kept
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_PASSING = frozenset({408, 429})  # refusals that do not last
_FAILURES = (httpx.TransportError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_TIMEOUTS = (httpx.TimeoutException, httpcore.TimeoutException)


class _Refusal(msgspec.Struct):
    message: str = ""
    code: int | str | None = None


def post_json(url: str, body: Mapping[str, Any], *, who: str, reference: str, closed: tuple[str, ...] = ()) -> Sent:
    """POST a JSON object as `post` does."""
    return post(url, msgspec.json.encode(body), who=who, reference=reference, closed=closed)


def post(
    url: str,
    content: bytes,
    *,
    who: str,
    reference: str,
    headers: Mapping[str, str] | None = None,
    closed: tuple[str, ...] = (),
) -> Sent:
    """Send JSON; an answer of 2xx is a success, and its body is not waited for.

    `who` is the receiver's name for people, `reference` what the message is called. `closed` are words in a refusal by
    which the receiver says that this address is closed for good, as 410 does. Raises ChannelError: its message never
    holds more of the URL than the host, since whoever knows the rest can write there.
    """
    host = urlsplit(url).hostname or "?"
    guard = partial(reachable, allowed=settings().outbound_allowlist)
    try:
        with (
            deadline(WHOLE_SECONDS),
            httpx.Client(
                transport=DeadlineTransport(url, guard=guard),
                timeout=httpx.Timeout(WHOLE_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=False,
                headers={"User-Agent": f"AI-Cost-Guardian/{__version__}", "Content-Type": "application/json"},
            ) as client,
            client.stream("POST", url, content=content, headers=headers) as response,
        ):
            if response.is_success:
                return Sent(response.status_code, reference)
            words = _words(response, url)
    except OutboundRefused as error:
        raise ChannelError(error.message, permanent=True) from error
    except (*_FAILURES, httpcore.ProxyError) as error:
        raise ChannelError(_unreached(who, host, error), permanent=False) from None
    raise _refused(who, response, words, closed)


def _words(response: httpx.Response, url: str) -> str:
    """What a refusal says, as far as it comes in time; the secret part of the address is taken out of it."""
    content = bytearray()
    with suppress(*_FAILURES, httpx.DecodingError):
        for piece in response.iter_bytes():
            content += piece
            if len(content) > MAX_ANSWER_BYTES:
                break
    text = _message(bytes(content[:MAX_ANSWER_BYTES])) or content[:MAX_ANSWER_BYTES].decode("utf-8", "replace")
    parts = urlsplit(url)
    for secret in (parts.path, parts.query):
        if len(secret) > 1:
            text = text.replace(secret, "…")
    return mask(" ".join(text.split()))


def _message(content: bytes) -> str:
    """The sentence in an answer of JSON, with its code where there is one; "" where there is none."""
    try:
        found = msgspec.json.decode(content, type=_Refusal)
    except msgspec.MsgspecError:
        return ""
    return f"{found.message} (code {found.code})" if found.message and found.code is not None else found.message


def _refused(who: str, response: httpx.Response, words: str, closed: tuple[str, ...]) -> ChannelError:
    status = response.status_code
    if 300 <= status < 400:
        return ChannelError(
            f"{who} answered with a redirect ({status}), which is not followed. Give the address that it leads to.",
            permanent=True,
            status=status,
        )
    gone = status == 410 or any(word in words for word in closed)
    quoted = f": “{words[:_QUOTED].rstrip('.')}”." if words and not words.startswith("<") else "."
    message = f"{who} did not take the message ({status}){quoted}"
    if gone:
        message = f"{who} says that this address is closed for good ({status}){quoted}"
    return ChannelError(
        message,
        permanent=gone or (400 <= status < 500 and status not in _PASSING),
        status=status,
        retry_after=wish(response.headers.get("retry-after")),
        gone=gone,
    )


def wish(header: str | None) -> float | None:
    """The seconds of a Retry-After, given as a number or as a date; None for none that can be read."""
    text = (header or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - utcnow()).total_seconds()
    if seconds != seconds:  # not a number
        return None
    return min(max(seconds, 0.0), LONGEST_WISH)


def _unreached(who: str, host: str, error: Exception) -> str:
    if isinstance(error, _TIMEOUTS):
        return f"{who} at {host} did not answer in time."
    return f"{who} at {host} cannot be reached: {_reason(error)}."


def _reason(error: Exception) -> str:
    text = _ERRNO.sub("", " ".join(str(error).split()))[:_QUOTED].rstrip(".")
    return text or "the connection broke off"
