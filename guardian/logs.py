"""Structured logs: one event a line, JSON in production and plain text on a terminal, secrets masked."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, cast

import sentry_sdk
import structlog
from sentry_sdk.integrations.logging import LoggingIntegration

from guardian.config import Settings
from guardian.errors import GuardianError

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# Anything that looks like a provider's key or one of ours, wherever it turns up.
_SECRET = re.compile(
    r"\b(sk-[A-Za-z0-9_\-]{6,}|gdn_[A-Za-z0-9_\-]{6,}|whsec_[A-Za-z0-9+/=_\-]{6,}|xai-[A-Za-z0-9_\-]{6,})"
)


# PostgreSQL repeats the whole row that breaks a constraint: hashes, sealed keys, a mail with its link.
_ROW = re.compile(r"Failing row contains \(.*?\)\.(?=\n|$)", re.DOTALL)
_PASSWORD = re.compile(r"(://[^/\s:@'\"]*:)[^@/\s'\"]+@")  # in an address: redis://user:password@host


def mask(text: str) -> str:
    """The text with every secret cut down to its first six characters, without passwords in addresses and without rows
    of the database.
    """
    text = _SECRET.sub(lambda found: found.group()[:6] + "…", text)
    return _ROW.sub("Failing row contains (…).", _PASSWORD.sub(r"\1…@", text))


def _mask_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = mask(value)
    return event


def _track(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An error with its traceback is one that nobody foresaw; what has a sentence of its own was foreseen.

    One that is logged and then let out, or reported twice on its way, is one event: Sentry tells doubles by the object.
    """
    error: Any = event.get("exc_info")
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = cast("tuple[Any, ...]", error)[1]
    foreseen = not isinstance(error, Exception) or isinstance(error, GuardianError)
    if event.get("level") in ("error", "critical") and not foreseen:
        sentry_sdk.capture_exception(error)
    return event


def configure(settings: Settings, process: str) -> None:
    """Set up structlog and the standard library's logging for this process; call once, at its start."""
    as_json = settings.guardian_log_format == "json" or (
        settings.guardian_log_format == "auto" and not sys.stderr.isatty()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _track,
        structlog.processors.format_exc_info,
        _mask_event,
    ]
    renderer = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.guardian_log_level)
    # These two log every request at INFO, addresses and all.
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)
    _track_errors(settings, process)


def _track_errors(settings: Settings, process: str) -> None:
    """Send what nobody foresaw to Sentry, if SENTRY_DSN names one; never a body, a cookie, a variable or a secret."""
    if settings.sentry_dsn is None:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        send_default_pii=False,
        max_request_body_size="never",
        # Local variables hold opened keys and passwords.
        include_local_variables=False,
        # What is only logged was foreseen.
        integrations=[LoggingIntegration(event_level=None)],
        before_send=scrub,
        before_breadcrumb=lambda crumb, _hint: cast("dict[str, Any]", _masked(crumb)),
    )
    sentry_sdk.set_tag("process", process)


def scrub(event: "Event", _hint: "Hint") -> "Event":
    """The event without the request's headers, cookies, query and body, and with every secret masked."""
    request = event.get("request")
    if request is not None:
        event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    return cast("Event", _masked(event))


def _masked(value: object) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in cast("list[object]", value)]
    return value
