"""Why a call gets no answer of a provider: one exception with the words for the caller, whatever the cause."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy.exc import SQLAlchemyError

from guardian.errors import (
    AuthenticationError,
    AuthorizationError,
    BudgetExceeded,
    GuardianError,
    RateLimitError,
    UnavailableError,
    ValidationError,
)
from guardian.gateway.dialects import WORDS, Kind
from guardian.gateway.http.failures import AddressRefused, FirstByteTimeout, IdleTimeout, UpstreamFailure
from guardian.periods import rfc3339

_AWAY_SECONDS = 2
_KINDS: tuple[tuple[type[GuardianError], Kind], ...] = (
    (AuthenticationError, "token_rejected"),
    (AuthorizationError, "forbidden"),
    (BudgetExceeded, "budget_exceeded"),
    (RateLimitError, "rate_limited"),
    (FirstByteTimeout, "upstream_timeout"),
    (IdleTimeout, "upstream_timeout"),
    (AddressRefused, "forbidden"),
    (UpstreamFailure, "upstream_failed"),
    (UnavailableError, "unavailable"),
    (ValidationError, "invalid_request"),
)


class Refused(Exception):
    """`error_class` goes into the row: "policy_…" where we refused, the failure's own where the provider did.

    `sent`: the provider may have seen the call, and bill it.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        retry_after: int | None = None,
        details: Mapping[str, Any] | None = None,
        error_class: str | None = None,
        sent: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.retry_after = retry_after
        self.details = details
        self.error_class = error_class or f"policy_{kind}"
        self.sent = sent

    @property
    def status(self) -> int:
        return WORDS[self.kind].status


def refused_by(error: GuardianError | SQLAlchemyError | OSError) -> Refused:
    """What a caller is told of an error of ours or of the way to the provider."""
    if not isinstance(error, GuardianError):
        message = "The gateway cannot look up your token and keys right now. Try again in a moment."
        return Refused("unavailable", message, retry_after=_AWAY_SECONDS)
    kind = _kind_of(error)
    retry_after: int | None = getattr(error, "retry_after", None)
    if kind == "unavailable" and retry_after is None:
        retry_after = _AWAY_SECONDS
    details: Any = getattr(error, "details", None)
    return Refused(
        kind,
        error.message,
        retry_after=retry_after,
        details={name: _told(value) for name, value in cast("Mapping[str, Any]", details).items()}
        if isinstance(details, Mapping)
        else None,
        error_class=getattr(error, "error_class", None),
        sent=isinstance(error, UpstreamFailure) and error.sent,
    )


def _kind_of(error: GuardianError) -> Kind:
    for of, kind in _KINDS:
        if isinstance(error, of):
            return kind
    return "internal"


def _told(value: object) -> object:
    """Money as a decimal string and times in RFC 3339, as everywhere in our JSON."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return rfc3339(value) if isinstance(value, datetime) else value
