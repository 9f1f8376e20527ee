"""What xAI's refusals really mean: a bad key is a 400, and money that is used up a 403 or a 429."""

from guardian.errors import (
    ProviderError,
    ProviderForbidden,
    ProviderKeyRejected,
    ProviderQuotaExhausted,
    ProviderWrongKeyKind,
)
from guardian.providers.describing import KeyKind
from guardian.providers.failures import Answer, quoted
from guardian.providers.reports.reading import Row

MANAGEMENT_KEYS_PAGE = "https://console.x.ai/team/default/management-keys"
KEY_KINDS = (
    KeyKind(
        "admin",
        "Management key",
        "A management key, made by a member of the team who may read and write management keys.",
        MANAGEMENT_KEYS_PAGE,
        "xAI Console, Settings, Management keys",
    ),
    KeyKind(
        "inference",
        "API key",
        "An API key of the team, for the gateway. It cannot read costs.",
        "https://console.x.ai/team/default/api-keys",
        "xAI Console, API keys",
    ),
)
NO_REPORTING = (
    "xAI reports what was billed, by key and line item, but not how many tokens were used: for tokens, send the calls "
    "through the gateway or to the ingest API."
)
_BAD_KEY = ("incorrect api key", "invalid api key", "api key provided")
_NO_MONEY = ("credits", "spending limit")


def classify(answer: Answer) -> ProviderError | None:
    """xAI's own meaning of a refusal, or None where the status says it all."""
    said = answer.said.lower()
    if answer.status == 400 and any(words in said for words in _BAD_KEY):
        return _bad_key()
    if answer.status in (403, 429) and any(words in said for words in _NO_MONEY):
        return ProviderQuotaExhausted(
            f"xAI says that the team's credits are used up or its spending limit is reached{quoted(answer.said)}",
            upstream_status=answer.status,
        )
    return None


def classify_question(answer: Answer) -> ProviderError | None:
    """As classify, for a question about the key itself: there is nothing else in it that a 400 could be about."""
    return classify(answer) or (_bad_key() if answer.status == 400 else None)


def _bad_key() -> ProviderKeyRejected:
    return ProviderKeyRejected(
        "xAI does not accept this key: it is wrong, revoked or expired. Replace it with a valid one.",
        upstream_status=400,
    )


def wrong_kind(status: int | None) -> ProviderWrongKeyKind:
    return ProviderWrongKeyKind(
        "This xAI key is for inference and cannot read costs. Create an admin key (xAI says management key) at "
        f"{MANAGEMENT_KEYS_PAGE} and replace this one.",
        upstream_status=status,
    )


def blocked(key: Row) -> ProviderForbidden | None:
    """A key that is blocked answers like a good one, and only says so of itself."""
    reasons = {
        "team_blocked": "has blocked the team of this key. Settle it in the xAI Console",
        "api_key_blocked": "has blocked this key. Settle it in the xAI Console, or replace the key",
        "api_key_disabled": "says that this key is disabled. Enable it in the xAI Console, or replace the key",
    }
    for name, reason in reasons.items():
        if key.maybe_flag(name):
            return ProviderForbidden(f"xAI {reason}.", upstream_status=200)
    return None
