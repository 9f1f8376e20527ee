"""The company's way to the product: its REST API and its gateway, over HTTP on loopback, as anybody's programs."""

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

_TIMEOUT = 60


class NotReached(Exception):
    """The product does not answer, or not yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the body as JSON where it is (None else), and the cookie that came with it."""

    status: int
    body: Any
    cookie: str | None = None


def ask(
    method: str, url: str, body: object = None, *, token: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request to an address of this machine; any status is an answer. Raises NotReached without one."""
    if urlsplit(url).scheme != "http":
        raise NotReached(f"{url} is no address of this machine")
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, sent, method=method)  # noqa: S310  # http, as was just seen
    try:
        with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310  # as above
            return Answer(response.status, _json(response.read()), response.headers.get("Set-Cookie"))
    except HTTPError as error:
        with error:
            return Answer(error.code, _json(error.read()))
    except (URLError, OSError, HTTPException) as error:
        raise NotReached(f"{url}: {error}") from error


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _member(body: Any, name: str) -> Any:
    return body[name]


class Rest:
    """The REST API of a product, for the person who signed in."""

    def __init__(self, base_url: str) -> None:
        self._base = f"{base_url}/api/v1"
        self._cookie = ""

    def sign_in(self, email: str, password: str, **new: str) -> None:
        """Sign in; where nobody of that address is known, sign up with what is `new`. Raises NotReached."""
        credentials = {"email": email, "password": password}
        answer = ask("POST", f"{self._base}/auth/login", credentials)
        if answer.status == 401:
            answer = ask("POST", f"{self._base}/auth/register", {**credentials, **new})
        if answer.status >= 300 or answer.cookie is None:
            raise NotReached(f"Signing in was answered with {answer.status}: {answer.body}")
        self._cookie = answer.cookie.split(";")[0]

    def data(self, method: str, path: str, body: object = None) -> Any:
        """The data of a good answer. Raises NotReached for any other."""
        answer = ask(method, f"{self._base}{path}", body, headers={"Cookie": self._cookie})
        if answer.status >= 300 or not isinstance(answer.body, dict):
            raise NotReached(f"{method} {path} was answered with {answer.status}: {answer.body}")
        return _member(answer.body, "data")
