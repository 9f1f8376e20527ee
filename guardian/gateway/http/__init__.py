"""The gateway's own asynchronous HTTP/1.1 client: keep-alive, unbuffered, and cheap enough for every call to pass."""

from guardian.gateway.http.answer import Answer
from guardian.gateway.http.failures import (
    AddressRefused,
    ConnectFailed,
    CutShort,
    FirstByteTimeout,
    IdleTimeout,
    Malformed,
    TlsFailed,
    UpstreamFailure,
)
from guardian.gateway.http.headers import end_to_end
from guardian.gateway.http.pool import Limits, Pool
from guardian.gateway.http.upstream import Upstream

__all__ = [
    "AddressRefused",
    "Answer",
    "ConnectFailed",
    "CutShort",
    "FirstByteTimeout",
    "IdleTimeout",
    "Limits",
    "Malformed",
    "Pool",
    "TlsFailed",
    "Upstream",
    "UpstreamFailure",
    "end_to_end",
]
