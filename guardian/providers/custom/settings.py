"""The settings of a CUSTOM key: checked when they are given, kept in its metadata, and read before each call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from guardian.providers.custom.checking import SECRETS, clean
from guardian.providers.custom.fields import BEARER, HEADER, NO, NONE, PLAIN, YES


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSettings:
    """`base_url` has its /v1, if any, and no slash at its end; `timeout` is in seconds, None for the usual.

    `secret_headers` are the names of the headers that are sealed with the key.
    """

    preset: str = PLAIN
    base_url: str
    auth_scheme: str = BEARER
    auth_header: str = "api-key"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    secret_headers: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    models_path: str = "/models"
    include_usage: str = YES
    strict: bool = False
    verify_tls: bool = True
    timeout: float | None = None
    test_model: str = ""
    account: str = ""

    @property
    def root(self) -> str:
        """The base URL without its version."""
        return self.base_url.removesuffix("/v1")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def asks_for_usage(self) -> bool:
        """Whether a stream should be asked to state its usage."""
        return self.include_usage == YES and not self.strict

    def auth(self, key: str) -> dict[str, str]:
        """The header that carries the key; none where the server wants none."""
        if self.auth_scheme == NONE or not key:
            return {}
        return {self.auth_header: key} if self.auth_scheme == HEADER else {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Secret:
    """What is sealed of a CUSTOM key: the key itself, "" where there is none, and the secret headers.

    `base_url` is the address that it was given for: it goes to no other.
    """

    key: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    base_url: str = ""

    def sealed(self) -> str:
        """One text for the vault."""
        return json.dumps({"key": self.key, "headers": dict(self.headers), "baseUrl": self.base_url}, sort_keys=True)

    @classmethod
    def of(cls, text: str) -> "Secret":
        """What `sealed` wrote; any other text is a key alone."""
        try:
            found: object = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return cls(text.strip())
        facts = cast("dict[str, Any]", found)
        return cls(str(facts.get("key", "")), dict(facts.get("headers") or {}), str(facts.get("baseUrl", "")))


def read_settings(metadata: Mapping[str, Any]) -> CustomSettings:
    """The settings in a key's metadata. Raises ValidationError, also for metadata without a usable address."""
    found = clean(metadata)
    text = {name: value for name, value in found.items() if isinstance(value, str)}
    return CustomSettings(
        preset=text["preset"],
        base_url=text["baseUrl"],
        auth_scheme=text["authScheme"],
        auth_header=text.get("authHeader", "api-key"),
        headers=found.get("headers", {}),
        secret_headers=tuple(found.get(SECRETS, ())),
        query=tuple(parse_qsl(text.get("query", ""), keep_blank_values=True)),
        models_path=text.get("modelsPath", "/models"),
        include_usage=text.get("includeUsage", YES),
        strict=text.get("strict") == YES,
        verify_tls=text.get("tlsVerify") != NO,
        timeout=float(text["timeout"]) if "timeout" in text else None,
        test_model=text.get("testModel", ""),
        account=text.get("account", ""),
    )
