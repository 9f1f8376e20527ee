"""What can go wrong between the gateway and a provider's server, and whether the provider may have begun to work.

UpstreamFailure
├── ConnectFailed       no address, no connection in time           nothing was sent
├── AddressRefused      a private address, not on OUTBOUND_ALLOWLIST nothing was sent
├── TlsFailed           certificate or handshake                    nothing was sent
├── FirstByteTimeout    no answer in time
├── IdleTimeout         the answer, or our request, stopped flowing
├── CutShort            closed before the promised length or the last chunk
└── Malformed           no HTTP, headers without end, lengths that contradict each other
"""

from typing import ClassVar

from guardian.errors import GuardianError


class UpstreamFailure(GuardianError):
    """A call without a whole answer. `error_class` goes into the row; `sent`: the provider may have seen the call."""

    status_code = 502
    code = "UPSTREAM_FAILED"
    error_class: ClassVar[str] = "upstream_failed"

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ConnectFailed(UpstreamFailure):
    error_class = "connect_failed"

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)


class AddressRefused(ConnectFailed):
    error_class = "address_refused"


class TlsFailed(ConnectFailed):
    error_class = "tls_failed"


class FirstByteTimeout(UpstreamFailure):
    error_class = "first_byte_timeout"
    status_code = 504


class IdleTimeout(UpstreamFailure):
    error_class = "idle_timeout"
    status_code = 504


class CutShort(UpstreamFailure):
    """`untouched`: not one byte of an answer had come."""

    error_class = "cut_short"

    def __init__(self, message: str, *, untouched: bool = False) -> None:
        super().__init__(message)
        self.untouched = untouched


class Malformed(UpstreamFailure):
    error_class = "malformed"
