"""One tree of errors: what went wrong, in words for a person, with the HTTP status that says the same to a program.

    GuardianError                     500 INTERNAL_ERROR
    ├── ApiError                      any status: an answer to a caller
    │   ├── ValidationError           400 VALIDATION_ERROR
    │   ├── AuthenticationError       401 AUTH_ERROR
    │   ├── AuthorizationError        403 AUTHZ_ERROR
    │   ├── SignInRefused             403 SIGN_IN_REFUSED: not in this way (`reason`); what else to do is said
    │   ├── NotFoundError             404 NOT_FOUND
    │   ├── BudgetExceeded            402 BUDGET_EXCEEDED: a hard budget has no room for this call
    │   ├── ConflictError             409 CONFLICT
    │   ├── PaymentRefused            402 PAYMENT_REFUSED: the payment service did not take the card or the change
    │   ├── RateLimitError            429 RATE_LIMIT (retryAfter)
    │   └── UnavailableError          503 UNAVAILABLE (retryAfter)
    │       ├── JournalFull           503 JOURNAL_FULL: what the journal holds has to get to the database first
    │       └── JournalBroken         503 JOURNAL_BROKEN: the journal's disk refuses
    ├── ConfigurationError            a variable is missing or wrong
    ├── DecryptionError               a sealed value cannot be opened with any key of the ring
    ├── OutboundRefused               400: a URL that a person gave leads to an address that is not public
    └── ProviderError                 a provider refused, failed or answered nonsense
        ├── ProviderKeyRejected       permanent: the key is wrong, revoked or expired
        ├── ProviderWrongKeyKind      permanent: a good key of the wrong kind
        ├── ProviderForbidden         permanent: the key lacks a permission
        ├── ProviderQuotaExhausted    permanent until the customer acts: provider-side spend limit reached
        ├── ProviderRequestRejected   permanent: the provider calls our request wrong
        ├── ProviderAddressRefused    permanent: its address is private and not on OUTBOUND_ALLOWLIST
        ├── ProviderContractBroken    permanent: the answer lacks a field, or pages without end
        ├── ProviderRateLimited       temporary: 429 with or without Retry-After
        ├── ProviderUnavailable       temporary: 5xx, 529, HTML instead of JSON, cut JSON
        └── ProviderUnreachable       temporary: no connection, or no answer in time

Codes and statuses follow the product's API guide; `permanent` decides whether a job tries again.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar


class GuardianError(Exception):
    """Base of every error of ours. `message` is one sentence for a person and never contains a secret."""

    status_code: int = 500
    code: str = "INTERNAL_ERROR"

    def __init__(self, message: str, *, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class ApiError(GuardianError):
    """An answer to the caller of an edge (REST, page, command line)."""

    def __init__(
        self, message: str, status_code: int | None = None, code: str | None = None, details: Any = None
    ) -> None:
        super().__init__(message, details=details)
        if status_code is not None:
            self.status_code = status_code
        if code is not None:
            self.code = code


class ValidationError(ApiError):
    """The caller's input is wrong; `details` is a list of {field, message}."""

    status_code = 400
    code = "VALIDATION_ERROR"


class AuthenticationError(ApiError):
    """Nobody is signed in, or the credentials are wrong."""

    status_code = 401
    code = "AUTH_ERROR"

    def __init__(self, message: str = "Unauthorized") -> None:
        super().__init__(message)


class AuthorizationError(ApiError):
    """Signed in, but not allowed to do this."""

    status_code = 403
    code = "AUTHZ_ERROR"

    def __init__(self, message: str = "Forbidden") -> None:
        super().__init__(message)


class SignInRefused(ApiError):
    """This way to sign in is closed; `reason` is a short code, for which the pages have words of their own."""

    status_code = 403
    code = "SIGN_IN_REFUSED"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, details={"reason": reason})
        self.reason = reason


class NotFoundError(ApiError):
    """No such row in the caller's organization; another tenant's row looks the same."""

    status_code = 404
    code = "NOT_FOUND"

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} not found")


class ConflictError(ApiError):
    """The request contradicts what is stored."""

    status_code = 409
    code = "CONFLICT"


class BudgetExceeded(ApiError):
    """A hard budget has no room for the worst that a call can cost, or cannot tell what it costs.

    Amounts in dollars. `spent` and `held` (reserved by calls under way) are None where the refusal has nothing to do
    with them: the model has no price. `resets_at` is when the period ends. `retry_after` in seconds is set where only
    what is held stands in the way: the same call may fit when those under way are over.
    """

    status_code = 402
    code = "BUDGET_EXCEEDED"

    def __init__(
        self,
        message: str,
        *,
        name: str,
        limit: Decimal,
        resets_at: datetime,
        spent: Decimal | None = None,
        held: Decimal | None = None,
        retry_after: int | None = None,
    ) -> None:
        details = {"budget": name, "spent": spent, "held": held, "limit": limit, "resetsAt": resets_at}
        super().__init__(message, details=details)
        self.name, self.limit, self.resets_at = name, limit, resets_at
        self.spent, self.held, self.retry_after = spent, held, retry_after


class PaymentRefused(ApiError):
    """The payment service declined the card, or does not allow what was asked; the message has its words."""

    status_code = 402
    code = "PAYMENT_REFUSED"


class RateLimitError(ApiError):
    """Too many calls; `retry_after` is in whole seconds."""

    status_code = 429
    code = "RATE_LIMIT"

    def __init__(self, retry_after: int, message: str = "Rate limit exceeded") -> None:
        super().__init__(message, details={"retryAfter": retry_after})
        self.retry_after = retry_after


class UnavailableError(ApiError):
    """A server of ours (database, Redis) does not answer; nothing was changed."""

    status_code = 503
    code = "UNAVAILABLE"

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message, details={"retryAfter": retry_after})
        self.retry_after = retry_after


class JournalFull(UnavailableError):
    """The journal holds as much as it may; nothing was written. It has room again once the database takes it."""

    code = "JOURNAL_FULL"


class JournalBroken(UnavailableError):
    """The journal's disk refused, or a file of it cannot be read; the log says which and why."""

    code = "JOURNAL_BROKEN"


class ConfigurationError(GuardianError):
    """A setting is missing or wrong; the message says which and how to mend it."""

    code = "CONFIGURATION_ERROR"


class DecryptionError(GuardianError):
    """A sealed value cannot be opened: wrong key, or the bytes were changed."""

    code = "DECRYPTION_ERROR"


class OutboundRefused(GuardianError):
    """A URL that a person gave leads to an address that is not public, and that the operator did not allow."""

    status_code = 400
    code = "OUTBOUND_REFUSED"


class ProviderError(GuardianError):
    """A provider refused, failed, or answered nonsense.

    `message` says to the key's owner what to do. `upstream_status` is the provider's HTTP status, if it answered.
    `retry_after` is the provider's own wish in seconds, if it stated one.
    """

    status_code = 502
    code = "PROVIDER_ERROR"
    permanent: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        details: Any = None,
    ) -> None:
        super().__init__(message, details=details)
        self.upstream_status = upstream_status
        self.retry_after = retry_after


class ProviderKeyRejected(ProviderError):
    code = "PROVIDER_KEY_REJECTED"
    status_code = 400
    permanent = True


class ProviderWrongKeyKind(ProviderError):
    code = "PROVIDER_WRONG_KEY_KIND"
    status_code = 400
    permanent = True


class ProviderForbidden(ProviderError):
    code = "PROVIDER_FORBIDDEN"
    status_code = 400
    permanent = True


class ProviderQuotaExhausted(ProviderError):
    code = "PROVIDER_QUOTA_EXHAUSTED"
    permanent = True


class ProviderRequestRejected(ProviderError):
    code = "PROVIDER_REQUEST_REJECTED"
    permanent = True


class ProviderAddressRefused(ProviderError):
    code = "PROVIDER_ADDRESS_REFUSED"
    status_code = 400
    permanent = True


class ProviderContractBroken(ProviderError):
    code = "PROVIDER_CONTRACT_BROKEN"
    permanent = True


class ProviderRateLimited(ProviderError):
    code = "PROVIDER_RATE_LIMITED"


class ProviderUnavailable(ProviderError):
    code = "PROVIDER_UNAVAILABLE"


class ProviderUnreachable(ProviderError):
    code = "PROVIDER_UNREACHABLE"
