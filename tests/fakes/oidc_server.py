"""An OpenID Connect issuer: discovery, a page that asks for consent, tokens for a code with PKCE, keys that rotate.

`fault` makes it lie or fail, one way at a time; see FAULTS.
"""

import base64
import hashlib
import hmac
import html
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.fakes.web_server import Asked, Told, WebServer

CLIENT_ID, CLIENT_SECRET = "guardian", "oidc-client-secret"
FAULTS = (
    "wrong-nonce",
    "no-nonce",
    "wrong-audience",
    "other-party",
    "wrong-issuer",
    "expired",
    "not-yet",
    "unsigned",
    "hmac",
    "other-key",
    "no-subject",
    "no-id-token",
    "no-json",
    "token-refused",
)


@dataclass
class Code:
    """What a code stands for."""

    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str


class OidcServer(WebServer):
    """Says that whoever comes is `person`; `consent` is "at-once", "page" (buttons), or an error to go back with."""

    def __init__(self) -> None:
        super().__init__()
        self.person: dict[str, Any] = {
            "sub": "248289761001",
            "email": "ada@acme.test",
            "email_verified": True,
            "name": "Ada Lovelace",
        }
        self.fault = ""
        self.consent = "at-once"
        self.clock_skew = 0  # seconds that its clock is ahead
        self.failures: dict[str, list[int]] = {}  # statuses to fail with next, by path
        self.slow: set[str] = set()  # paths that are not answered
        self.mail_by_userinfo = False
        self.codes: dict[str, Code] = {}
        self.rotate()

    def rotate(self, kid: str = "") -> None:
        """New signing keys; the old ones are gone from the published set."""
        self.key = RSAKey.generate_key(2048, {"kid": kid or secrets.token_hex(4), "use": "sig", "alg": "RS256"})

    def answer(self, asked: Asked) -> Told:
        if asked.path in self.slow:
            self.stopping.wait(20)
        failing = self.failures.get(asked.path)
        if failing:
            return Told("<h1>Bad gateway</h1>", failing.pop(0))
        if asked.path == "/.well-known/openid-configuration":
            return Told(self._description())
        if asked.path == "/authorize":
            return self._authorize(asked)
        if asked.path == "/token":
            return self._token(asked)
        if asked.path == "/keys":
            return Told({"keys": [self.key.as_dict(private=False)]})
        if asked.path == "/userinfo":
            assert asked.headers["authorization"] == "Bearer access-token"
            return Told(self.person)
        return Told("", 404)

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def _authorize(self, asked: Asked) -> Told:
        query = asked.query
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        assert {name: query.get(name) for name in wanted} == wanted
        assert "openid" in query["scope"].split()
        if self.consent not in ("at-once", "page"):
            return self._back(query, error=self.consent)
        code = secrets.token_urlsafe(16)
        self.codes[code] = Code(query["client_id"], query["redirect_uri"], query["nonce"], query["code_challenge"])
        if self.consent == "at-once":
            return self._back(query, code=code)
        allow = self._address(query, code=code)
        deny = self._address(query, error="access_denied")
        return Told(
            f"<title>Issuer</title><h1>Sign in to Guardian as {html.escape(str(self.person.get('email')))}?</h1>"
            f'<a href="{html.escape(allow)}">Allow</a> <a href="{html.escape(deny)}">Deny</a>'
        )

    def _address(self, query: dict[str, str], **more: str) -> str:
        return f"{query['redirect_uri']}?{urlencode({'state': query['state'], 'iss': self.url, **more})}"

    def _back(self, query: dict[str, str], **more: str) -> Told:
        return Told("", 302, {"Location": self._address(query, **more)})

    def _token(self, asked: Asked) -> Told:
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {basic}":
            return Told({"error": "invalid_client"}, 401)
        if self.fault == "token-refused":
            return Told({"error": "invalid_grant"}, 400)
        if self.fault == "no-json":
            return Told("<p>Welcome</p>")
        # A code works once, and only for who holds what its challenge was made of.
        code = self.codes.pop(asked.form.get("code", ""), None)
        digest = hashlib.sha256(asked.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if code is None or code.challenge != challenge or code.redirect_uri != asked.form.get("redirect_uri"):
            return Told({"error": "invalid_grant"}, 400)
        answer = {"access_token": "access-token", "token_type": "Bearer", "expires_in": 300}
        return Told(answer if self.fault == "no-id-token" else {**answer, "id_token": self._id_token(code)})

    def _id_token(self, code: Code) -> str:
        now = int(time.time()) + self.clock_skew
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": code.client_id,
            "nonce": code.nonce,
            "iat": now,
            "exp": now + 300,
            **({"sub": self.person["sub"]} if self.mail_by_userinfo else self.person),
        }
        changes: dict[str, dict[str, Any]] = {
            "wrong-nonce": {"nonce": "another"},
            "wrong-audience": {"aud": "another"},
            "other-party": {"aud": [code.client_id, "another"], "azp": "another"},
            "wrong-issuer": {"iss": "https://issuer.evil.test"},
            "expired": {"iat": now - 7200, "exp": now - 3600},
            "not-yet": {"nbf": now + 3600},
        }
        claims |= changes.get(self.fault, {})
        if self.fault in ("no-nonce", "no-subject"):
            del claims["nonce" if self.fault == "no-nonce" else "sub"]
        header = {"alg": "RS256", "kid": self.key.kid}
        if self.fault == "unsigned":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if self.fault == "hmac":
            # What anybody can make who knows the public key and hopes for a confused reader.
            signed = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(claims)}"
            digest = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
            return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        signing = RSAKey.generate_key(2048) if self.fault == "other-key" else self.key
        return jwt.encode(header, claims, signing)


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
