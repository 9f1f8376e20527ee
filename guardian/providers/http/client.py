"""ProviderHttp: the one way to a provider's JSON API. Deadline, size bound, retries, and our own errors."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, NoReturn, Self, cast
from urllib.parse import urlsplit

import httpcore
import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from guardian import __version__
from guardian.errors import (
    ConfigurationError,
    OutboundRefused,
    ProviderAddressRefused,
    ProviderContractBroken,
    ProviderError,
    ProviderKeyRejected,
)
from guardian.providers import failures
from guardian.providers.failures import Answer
from guardian.providers.http.attempts import Failed, may_help, wait
from guardian.wire import DeadlineTransport, deadline

Params = Sequence[tuple[str, str]]
Classify = Callable[[Answer], ProviderError | None]

MAX_ANSWER_BYTES = 64 * 2**20  # a page of 168 hours with 450 rows of 800 bytes each
LONGEST_WAIT = 60.0  # seconds; a longer Retry-After frees the worker and reschedules the job
_CONNECT_SECONDS = 10.0
_UNSENT_ERRORS = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError)
_WIRE_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError)
SECRET_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key")
USER_AGENT = f"AI-Cost-Guardian/{__version__}"


def check_key(vendor: str, api_key: str) -> str:
    """The key without the white space of a careless paste.

    Raises ProviderKeyRejected for what cannot be sent in a header, and so cannot be a key.
    """
    key = api_key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ProviderKeyRejected(f"This is not a key of {vendor}: a key is one word of letters, digits and dashes.")
    return key


class ProviderHttp:
    """A client of one provider's API, for one thread at a time; connections are kept alive until `close`.

    `timeout` is the whole time of one attempt in seconds, from connecting to the last byte. `sleep` and `transport`
    are the seams for tests. `setting` names the variable that the base URL comes from. The values of `secret_headers`
    (request headers, in lower case) are repeated to nobody. A refusal with a status of `meant_pages` means that also
    when its body is a web page. All methods raise ProviderError only; neither it nor this object's repr shows a secret.
    Raises ConfigurationError for a base URL that is none.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        *,
        timeout: float = 30,
        attempts: int = 4,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
        setting: str | None = None,
        secret_headers: Sequence[str] = SECRET_HEADERS,
        meant_pages: Sequence[int] = (),
    ) -> None:
        target = urlsplit(base_url)
        if target.scheme not in ("http", "https") or not target.hostname:
            raise ConfigurationError(
                f"The base URL of {vendor} must look like https://host/path, not {base_url[:80]!r}. "
                f"Check {setting or vendor.upper() + '_BASE_URL'}."
            )
        self.vendor = vendor
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.attempts = attempts
        self._sleep = sleep
        self._secret_headers = tuple(secret_headers)
        self._meant_pages = tuple(meant_pages)
        self._host = target.hostname
        self._client = httpx.Client(
            base_url=self.base_url,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            follow_redirects=False,
            # A ~/.netrc entry would put another Authorization header on our calls.
            trust_env=False,
            transport=transport or DeadlineTransport(self.base_url),
        )

    def __repr__(self) -> str:
        return f"ProviderHttp({self.vendor!r}, {self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def get_json(
        self,
        path: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        *,
        classify: Classify | None = None,
        attempts: int | None = None,
    ) -> Answer:
        """GET a JSON object; a temporary failure is tried again up to `attempts` times in all.

        `classify` may give the vendor's own error for an answer of status 400 or more, or None for the usual one.
        A Retry-After above LONGEST_WAIT is raised at once, with `retry_after` set.
        """
        request = self._client.build_request("GET", path, params=httpx.QueryParams(list(params)), headers=headers)
        return self._send(request, classify, attempts or self.attempts, repeatable=True)

    def post_json(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        classify: Classify | None = None,
        attempts: int | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """POST a JSON object. Not repeated once the provider may have begun to work (a lost answer is billed too).

        A `repeatable` one is a question that changes nothing, and is tried again like a GET.
        """
        request = self._client.build_request("POST", path, json=dict(body), headers=headers)
        return self._send(request, classify, attempts or self.attempts, repeatable=repeatable)

    def post_form(
        self, fields: Mapping[str, str], *, classify: Classify | None = None, attempts: int | None = None
    ) -> Answer:
        """POST a form to the base URL itself, as OAuth's token endpoints want it. It changes nothing: tried again."""
        request = self._client.build_request("POST", self.base_url, data=dict(fields))
        return self._send(request, classify, attempts or self.attempts, repeatable=True)

    def _send(self, request: httpx.Request, classify: Classify | None, attempts: int, *, repeatable: bool) -> Answer:
        retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=wait,
            retry=retry_if_exception(may_help),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._attempt, request, classify, repeatable)
        except Failed as failed:
            raise failed.error from None

    def _attempt(self, request: httpx.Request, classify: Classify | None, repeatable: bool) -> Answer:
        began = time.perf_counter()
        try:
            with deadline(self.timeout):
                response = self._client.send(request, stream=True)
                try:
                    content = self._read(response)
                finally:
                    response.close()
        except OutboundRefused as error:
            raise Failed(ProviderAddressRefused(error.message), again=False) from error
        except (httpx.TransportError, httpx.DecodingError, *_WIRE_ERRORS) as error:
            unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, *_UNSENT_ERRORS))
            failure = failures.from_wire(self.vendor, self._host, error, self.timeout)
            raise Failed(failure, again=unsent or repeatable) from error
        took = round((time.perf_counter() - began) * 1000)
        if response.status_code >= 400:
            self._refuse(request, response, content, classify, repeatable)
        if 300 <= response.status_code < 400:
            raise Failed(failures.redirected(self.vendor, response.status_code), again=False)
        try:
            body = self._parse(content, response.status_code)
        except ProviderError as error:
            raise Failed(error, again=not error.permanent and repeatable) from None
        return Answer(response.status_code, body, dict(response.headers), took)

    def _read(self, response: httpx.Response) -> bytes:
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > MAX_ANSWER_BYTES:
                raise Failed(
                    ProviderContractBroken(
                        f"{self.vendor}'s answer is larger than {MAX_ANSWER_BYTES // 2**20} MB, which no report is.",
                        upstream_status=response.status_code,
                    ),
                    again=False,
                )
        return bytes(content)

    def _refuse(
        self,
        request: httpx.Request,
        response: httpx.Response,
        content: bytes,
        classify: Classify | None,
        repeatable: bool,
    ) -> NoReturn:
        """Raise what an answer of status 400 or more means."""
        status = response.status_code
        # Some providers repeat the key in their error; it must not travel on into a log or a page.
        for name in self._secret_headers:
            secret = request.headers.get(name, "").removeprefix("Bearer ").encode()
            if secret:
                content = content.replace(secret, b"(key)")
        try:
            answer = Answer(status, self._parse(content, status), dict(response.headers))
        except ProviderError as unreadable:
            answer = Answer(status, {}, dict(response.headers))
            page = content.lstrip()[:1] == b"<"
            # A 4xx page of a firewall says nothing about the key: do not condemn the key for it.
            if page and status not in (408, 409, 429, *self._meant_pages) and status < 500:
                raise Failed(unreadable, again=repeatable) from None
            if not page and content.lstrip()[:1] not in (b"{", b"["):
                answer = Answer(status, {"message": content[:1000].decode("utf-8", "replace")}, dict(response.headers))
        error = (classify(answer) if classify else None) or failures.from_status(self.vendor, answer)
        wish = response.headers.get("x-should-retry")
        again = {"true": True, "false": False}.get(wish or "", not error.permanent)
        patient = error.retry_after is None or error.retry_after <= LONGEST_WAIT
        raise Failed(error, again=again and patient)

    def _parse(self, content: bytes, status: int) -> dict[str, Any]:
        """A JSON object, its fractions as Decimal. NaN and Infinity become Decimals that no field reader accepts."""
        try:
            found: object = json.loads(content, parse_float=Decimal, parse_constant=Decimal)
        except (ValueError, RecursionError):
            if content.lstrip()[:1] == b"<":
                raise failures.web_page(self.vendor, status) from None
            raise failures.broken_json(self.vendor, status) from None
        if not isinstance(found, dict):
            raise ProviderContractBroken(
                f"{self.vendor} answered with something else than a JSON object.", upstream_status=status
            )
        return cast("dict[str, Any]", found)
