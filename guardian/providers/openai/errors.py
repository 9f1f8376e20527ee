"""What OpenAI's refusals really mean: kinds of keys, missing scopes, and the two kinds of 429."""

import re

from guardian.errors import (
    ProviderError,
    ProviderForbidden,
    ProviderQuotaExhausted,
    ProviderWrongKeyKind,
)
from guardian.providers.describing import KeyKind
from guardian.providers.failures import Answer

ADMIN_PREFIX = "sk-admin-"
INFERENCE_PREFIXES = ("sk-proj-", "sk-svcacct-")
_ADMIN_KEYS_PAGE = "https://platform.openai.com/settings/organization/admin-keys"
KEY_KINDS = (
    KeyKind(
        "admin",
        "Admin key",
        "An admin key, made by an owner of the organization.",
        _ADMIN_KEYS_PAGE,
        "OpenAI, Organization, Admin keys",
    ),
    KeyKind(
        "inference",
        "Project key",
        "A key of a project or service account, for the gateway. It cannot read usage.",
        "https://platform.openai.com/api-keys",
        "OpenAI, API keys",
    ),
)
_SCOPES = re.compile(r"[Mm]issing scopes?:\s*([\w-]+(?:\.[\w-]+)*(?:,\s*[\w-]+(?:\.[\w-]+)*)*)")
_OUT_OF_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}


def is_admin(api_key: str) -> bool:
    return api_key.startswith(ADMIN_PREFIX)


def missing_scopes(answer: Answer) -> str | None:
    """The scopes that OpenAI says the key lacks; "" when it does not name them, None when that is not the matter.

    Seen with status 403, and with 401 too, so the words decide and not the status.
    """
    if answer.status not in (401, 403):
        return None
    found = _SCOPES.search(answer.said)
    if found:
        return found[1]
    return "" if "insufficient permissions" in answer.said.lower() else None


def classify(answer: Answer, *, admin_key: bool, reports: bool) -> ProviderError | None:
    """OpenAI's own meaning of a refusal, or None where the status says it all.

    `admin_key` says what kind of key was used, `reports` whether for reports or for inference.
    """
    status = answer.status
    if {answer.error.get("code"), answer.error.get("type")} & _OUT_OF_MONEY:
        return ProviderQuotaExhausted(
            "OpenAI says that the account's quota is used up; add credit or raise the limit in OpenAI's billing page.",
            upstream_status=status,
        )
    scopes = missing_scopes(answer)
    if scopes is None:
        return None
    if reports and not admin_key:
        return ProviderWrongKeyKind(
            "This OpenAI key is for inference and cannot read usage reports. Create an admin key at "
            f"{_ADMIN_KEYS_PAGE} (organization owners only) and replace this one.",
            upstream_status=status,
        )
    if admin_key and not reports:
        return ProviderWrongKeyKind(
            "This OpenAI key is an admin key, which reads reports but cannot be used for inference. Use a project key.",
            upstream_status=status,
        )
    lacks = f"the permission {scopes}" if scopes else "a permission"
    return ProviderForbidden(
        f"This OpenAI key lacks {lacks}. Grant it in OpenAI's settings, or replace the key by one that has it.",
        upstream_status=status,
        details={"scopes": scopes},
    )
