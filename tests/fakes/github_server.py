"""GitHub as a sign-in sees it: the page that asks, the token for a code with PKCE, the user and their addresses."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

from tests.fakes.web_server import Asked, Told, WebServer

CLIENT_ID, CLIENT_SECRET = "Iv1.guardian", "github-client-secret"


class GitHubServer(WebServer):
    """Says that whoever comes is `user`, with `emails`; `fault` is "", "bad-code" or "no-id"."""

    def __init__(self) -> None:
        super().__init__()
        self.user: dict[str, Any] = {"id": 583231, "login": "ada", "name": "Ada Lovelace", "email": "public@else.test"}
        self.emails: Any = [
            {"email": "ada@users.noreply.github.test", "primary": False, "verified": True, "visibility": None},
            {"email": "ada@acme.test", "primary": True, "verified": True, "visibility": "private"},
        ]
        self.fault = ""
        self.codes: dict[str, tuple[str, str]] = {}

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/login/oauth/authorize":
            assert asked.query["client_id"] == CLIENT_ID
            assert asked.query["code_challenge_method"] == "S256"
            assert "user:email" in asked.query["scope"].split()
            code = secrets.token_hex(10)
            self.codes[code] = asked.query["redirect_uri"], asked.query["code_challenge"]
            query = urlencode({"code": code, "state": asked.query["state"]})
            return Told("", 302, {"Location": f"{asked.query['redirect_uri']}?{query}"})
        if asked.path == "/login/oauth/access_token":
            return self._token(asked)
        assert asked.headers["authorization"] == "Bearer gho_token"
        if asked.path == "/user":
            return Told({name: value for name, value in self.user.items() if self.fault != "no-id" or name != "id"})
        return Told(self.emails) if asked.path == "/user/emails" else Told("", 404)

    def _token(self, asked: Asked) -> Told:
        assert "application/json" in asked.headers["accept"]
        given = asked.form
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return Told({"error": "incorrect_client_credentials"})
        redirect_uri, challenge = self.codes.pop(given.get("code", ""), ("", ""))
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        # Its refusals have the status 200.
        if self.fault == "bad-code" or challenge != made or redirect_uri != given.get("redirect_uri"):
            return Told({"error": "bad_verification_code", "error_description": "The code is incorrect or expired."})
        return Told({"access_token": "gho_token", "token_type": "bearer", "scope": "read:user,user:email"})
