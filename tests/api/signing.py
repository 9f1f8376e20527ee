"""A browser's way through a sign-in, as steps: to the provider and back, with the cookies that it is given."""

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.api.conftest import Client

LOGIN = "/api/v1/auth/oauth/{}/login"


def visit(client: Client, address: str) -> httpx.Response:
    """One visit, as a person's click makes it; where it leads is not followed."""
    answer = client.get(address, follow_redirects=False)
    assert answer.status_code in (302, 303), answer.text
    return answer


def to_provider(client: Client, provider: str, query: str = "") -> str:
    """Press the button; the provider's answer, an address of ours, not visited yet."""
    there = visit(client, LOGIN.format(provider) + query).headers["location"]
    return httpx.get(there).headers["location"]


def through(client: Client, provider: str, query: str = "") -> str:
    """Press the button and come back; where one ends."""
    return str(visit(client, to_provider(client, provider, query)).headers["location"])


def error_of(address: str) -> str:
    """The code that a page is told."""
    return parse_qs(urlsplit(address).query).get("error", [""])[0]
