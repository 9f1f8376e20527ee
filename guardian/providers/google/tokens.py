"""Access tokens of a service account: a JWT signed with its key, exchanged at Google's token endpoint (RFC 7523)."""

from datetime import datetime, timedelta
from typing import Any, Final, cast

from authlib.oauth2.rfc7523 import JWTBearerGrant
from joserfc.jwk import RSAKey

from guardian.errors import ProviderError, ProviderKeyRejected, ProviderRequestRejected
from guardian.periods import utcnow
from guardian.providers.failures import Answer
from guardian.providers.google.keys import ServiceAccount
from guardian.providers.http.client import ProviderHttp
from guardian.providers.reports.reading import Row

# Whoever is asked on the way: the assertion is for Google, and for nobody else.
AUDIENCE: Final = "https://oauth2.googleapis.com/token"
SCOPES: Final = "https://www.googleapis.com/auth/bigquery https://www.googleapis.com/auth/monitoring.read"
GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = timedelta(hours=1)  # the most that Google allows
_EARLY = timedelta(minutes=1)  # a token must outlive the call that is made with it
_CLOCK_SKEW = timedelta(seconds=30)
_BAD_KEY = ("invalid_grant", "invalid_client", "unauthorized_client", "disabled_client", "deleted_client")


class AccessTokens:
    """Tokens of one adapter's life, each kept until shortly before it expires."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http
        self._kept: dict[ServiceAccount, tuple[str, datetime]] = {}

    def of(self, account: ServiceAccount, *, attempts: int | None = None) -> str:
        """An access token that is good for another minute at least. Raises ProviderError."""
        token, until = self._kept.get(account, ("", None))
        if until is not None and utcnow() < until:
            return token
        form = {"grant_type": GRANT_TYPE, "assertion": _assertion(account)}
        answer = Row(
            self._http.post_form(form, classify=_classify, attempts=attempts).body, "Google's access token answer"
        )
        token = answer.text("access_token")
        self._kept[account] = token, utcnow() + timedelta(seconds=answer.count("expires_in")) - _EARLY
        return token


def _assertion(account: ServiceAccount) -> str:
    issued = utcnow() - _CLOCK_SKEW
    return cast("Any", JWTBearerGrant).sign(
        RSAKey.import_key(account.private_key),
        issuer=account.email,
        audience=AUDIENCE,
        issued_at=int(issued.timestamp()),
        expires_at=int((issued + _LIFE).timestamp()),
        claims={"scope": SCOPES},
        header={"alg": "RS256", "kid": account.key_id},
    )


def _classify(answer: Answer) -> ProviderError | None:
    """OAuth's errors are {"error": a word, "error_description": a sentence}."""
    error, said = answer.body.get("error"), str(answer.body.get("error_description") or "")
    if error not in _BAD_KEY:
        return None
    if "timeframe" in said or "iat" in said.split():
        return ProviderRequestRejected(
            "Google does not accept this server's time. Set its clock right (NTP), and try again.",
            upstream_status=answer.status,
        )
    return ProviderKeyRejected(
        "Google does not accept this key of a service account: it is wrong, revoked or expired. Replace it.",
        upstream_status=answer.status,
    )
