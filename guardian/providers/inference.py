"""Single requests as every adapter sends them: which path a payload goes to, and what its answer is called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from guardian.errors import ValidationError


class Endpoint(NamedTuple):
    """The `flavour` in which its answers state usage, and the `operation` that the ledger calls it."""

    flavour: str
    operation: str = "completion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Where calls with one key go, and what goes out with each: `base_url` without a slash at its end.

    `by_person` says that a person gave the address, so that it must be checked before each connection. `timeout` is
    how many seconds the server may stay silent, None for the usual. `asks_for_usage` is False for a server that does
    not take stream_options.
    """

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    query: tuple[tuple[str, str], ...] = ()
    by_person: bool = False
    verify_tls: bool = True
    timeout: float | None = None
    asks_for_usage: bool = True


def route(vendor: str, endpoints: Mapping[str, Endpoint], payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request.

    `payload["endpoint"]` names the path; without it `messages` means chat, and `input` responses, where the vendor has
    it. Raises ValidationError for another path, and for a stream: streams belong to the gateway.
    """
    body = dict(payload)
    wanted = "chat" if "messages" in body else "responses"
    usual = next((path for path, endpoint in endpoints.items() if endpoint.flavour == wanted), "")
    path = str(body.pop("endpoint", usual))
    if path not in endpoints:
        raise ValidationError(f"{vendor} requests can be sent to {', '.join(endpoints)}; for others use the gateway.")
    if body.get("stream"):
        raise ValidationError("A request that is tracked here cannot be streamed. Use the gateway for streams.")
    return path, body
