"""What Anthropic's refusals really mean: kinds of keys, and the spend limits that hide behind 400 and 429."""

from collections.abc import Mapping
from typing import Any, cast

from guardian.errors import ProviderError, ProviderQuotaExhausted, ProviderUnavailable, ProviderWrongKeyKind
from guardian.providers.describing import KeyKind
from guardian.providers.failures import Answer, quoted

ADMIN_PREFIX = "sk-ant-admin"
INFERENCE_PREFIX = "sk-ant-api03-"
KEY_KINDS = (
    KeyKind(
        "admin",
        "Admin key",
        "An Admin key of the Claude Console, made by somebody with the admin role.",
        "https://platform.claude.com/settings/admin-keys",
        "Claude Console, Settings, Admin keys",
    ),
    KeyKind(
        "inference",
        "API key",
        "An API key of a workspace, for the gateway. It cannot read usage.",
        "https://platform.claude.com/settings/keys",
        "Claude Console, Settings, API keys",
    ),
)
_OVERLOADED = 529


def classify(answer: Answer, *, admin_key: bool, reports: bool) -> ProviderError | None:
    """Anthropic's own meaning of a refusal, or None where the status says it all.

    `admin_key` says what kind of key was used, `reports` whether on an admin path or for inference.
    """
    status = answer.status
    if status == 401 and reports and not admin_key:
        # A good inference key on an admin path is told "invalid x-api-key", like a bad one.
        return ProviderWrongKeyKind(
            "This Anthropic key is not an Admin key, so it cannot read usage reports. Create an Admin key in the "
            "Claude Console (Settings, Admin keys; needs the admin role) and replace this one.",
            upstream_status=status,
        )
    if status == 401 and admin_key and not reports:
        return ProviderWrongKeyKind(
            "This Anthropic key is an Admin key, which reads reports but cannot be used for inference, or it was "
            "revoked. Use an API key of a workspace.",
            upstream_status=status,
        )
    if _spend_limit(answer):
        return ProviderQuotaExhausted(
            f"Anthropic's spend limit is reached; raise it in the Claude Console, or wait{quoted(answer.said)}",
            upstream_status=status,
        )
    if status == _OVERLOADED:
        return ProviderUnavailable(
            "Anthropic is overloaded (HTTP 529); this usually passes by itself.", upstream_status=status
        )
    return None


def _spend_limit(answer: Answer) -> bool:
    """A limit set by the customer is a 400, known by its words; the monthly cap of the tier is a 429 with a code."""
    details: object = answer.error.get("details")
    code = cast("Mapping[str, Any]", details).get("error_code") if isinstance(details, dict) else None
    return code == "enforced_spend_limit_reached" or (answer.status == 400 and "API usage limits" in answer.said)
