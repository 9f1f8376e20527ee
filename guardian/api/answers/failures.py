"""From an exception to an answer: one place decides the status, the words, and what is reported as a fault of ours."""

from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, cast

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from guardian.api.answers.envelope import Failure
from guardian.errors import ApiError, GuardianError, UnavailableError, ValidationError

log = structlog.get_logger(__name__)

_CODES = {
    400: "VALIDATION_ERROR",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}


def known(error: Exception) -> GuardianError:
    """The error of our tree that this one means to a caller; an unforeseen one tells nothing of its insides."""
    if isinstance(error, GuardianError):
        return error
    if isinstance(error, RequestValidationError):
        return ValidationError("Validation failed", details=_fields(error.errors()))
    if isinstance(error, HTTPException):
        words = str(error.detail) if error.detail else HTTPStatus(error.status_code).phrase
        return ApiError(words, error.status_code, _CODES.get(error.status_code, "HTTP_ERROR"))
    if isinstance(error, DataError):
        return ValidationError("A value of this request cannot be stored: it has characters or a size it cannot have.")
    if isinstance(error, OperationalError | PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return UnavailableError("The database does not answer. Nothing was changed; try again shortly.")
    if isinstance(error, RedisError):
        return UnavailableError("Redis does not answer. Try again shortly.")
    return GuardianError("Internal server error")


def report(error: Exception, meant: GuardianError) -> None:
    """Log what is no fault of the caller's; the log sends what nobody foresaw to error tracking."""
    if meant.code == GuardianError.code:
        log.error("api.error", exc_info=error)
    elif meant.status_code >= 500:
        # Foreseen: where it happened says nothing, and an outage must not fill the disk with tracebacks.
        log.warning("api.unable", code=meant.code, error=meant.message)


def retry_after(meant: GuardianError) -> int | None:
    """Whole seconds that the caller should wait, where the error knows."""
    seconds: float | None = getattr(meant, "retry_after", None)
    return None if seconds is None else max(1, ceil(seconds))


def answer(error: Exception, request_id: str) -> JSONResponse:
    """The failure envelope of any exception."""
    meant = known(error)
    report(error, meant)
    wait = retry_after(meant)
    body = Failure(
        error=meant.message, code=meant.code, details=meant.details, request_id=request_id, retry_after=wait
    ).model_dump(by_alias=True)
    if wait is None:
        del body["retryAfter"]
    headers = dict(getattr(error, "headers", None) or {}) if isinstance(error, HTTPException) else {}
    if wait is not None:
        headers["Retry-After"] = str(wait)
    if meant.status_code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status_code=meant.status_code, headers=headers)


def _fields(problems: Sequence[Any]) -> list[dict[str, str]]:
    """Which field is wrong and how; never the value, which may be a secret."""
    found: list[dict[str, str]] = []
    for problem in cast("Sequence[dict[str, Any]]", problems):
        location = [str(part) for part in problem["loc"] if part not in ("body", "query", "path", "header")]
        if problem["type"] == "json_invalid":
            location = []
        message = str(problem["msg"]).removeprefix("Value error, ")
        found.append({"field": ".".join(location) or "body", "message": message})
    return found
