"""CustomProvider: any OpenAI-compatible server behind an address that a person gave."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, ClassVar

from guardian.config import Settings
from guardian.errors import ProviderKeyRejected, ValidationError
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.outbound import reachable
from guardian.periods import Window
from guardian.providers.base import BaseProvider
from guardian.providers.custom import deepseek, openrouter, plain
from guardian.providers.custom.checking import SECRETS, check_names, clean, secret_headers
from guardian.providers.custom.fields import (
    DEEPSEEK,
    KEY_FIELDS,
    KEY_KINDS,
    NO_DEEPSEEK_REPORTING,
    NO_REPORTING,
    NONE,
    OPENROUTER,
)
from guardian.providers.custom.settings import CustomSettings, Secret, read_settings
from guardian.providers.custom.wire import Wire
from guardian.providers.describing import allows_paid_test
from guardian.providers.http.client import SECRET_HEADERS, ProviderHttp, check_key
from guardian.providers.inference import Endpoint, Outgoing, route
from guardian.records import Balance, CostBucket, NamedResource, TestResult, UsageBucket
from guardian.wire import DeadlineTransport

ENDPOINTS = {
    "/chat/completions": Endpoint("chat"),
    "/responses": Endpoint("responses"),
    "/messages": Endpoint("messages", "message"),
    "/embeddings": Endpoint("embeddings", "embedding"),
}
_TITLES = {OPENROUTER: "OpenRouter", DEEPSEEK: "DeepSeek"}


class CustomProvider(BaseProvider):
    """A server of its own address. Its metadata is that of KEY_FIELDS, and what is sealed a custom.settings.Secret.

    Its address is checked when the connection is made: private ones need the operator's OUTBOUND_ALLOWLIST. Raises
    ValidationError for metadata that names no usable address.
    """

    provider = Provider.CUSTOM
    name = PROVIDER_NAMES[provider]
    base_urls = ()
    meant_pages = (404, 405)  # of a web server at a wrong address
    key_kinds = KEY_KINDS
    key_fields = KEY_FIELDS
    reports: ClassVar[tuple[str, ...]] = (openrouter.REPORT,)
    no_reporting = NO_REPORTING

    @cached_property
    def settings(self) -> CustomSettings:
        return read_settings(self.metadata)

    @classmethod
    def clients(
        cls, settings: Settings, metadata: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep
    ) -> Mapping[str, ProviderHttp]:
        mine = read_settings(metadata)
        guard = partial(reachable, allowed=settings.outbound_allowlist)
        return {
            "baseUrl": ProviderHttp(
                _title(mine),
                mine.base_url,
                timeout=mine.timeout or settings.provider_timeout_seconds,
                attempts=settings.provider_attempts,
                sleep=sleep,
                meant_pages=cls.meant_pages,
                transport=DeadlineTransport(mine.base_url, guard=guard, verify=mine.verify_tls),
                secret_headers=(*SECRET_HEADERS, *(name.lower() for name in (mine.auth_header, *mine.secret_headers))),
            )
        }

    @classmethod
    def outgoing(cls, secret: str, metadata: Mapping[str, Any], settings: Settings) -> Outgoing:
        mine, sealed = read_settings(metadata), Secret.of(secret)
        if sealed.base_url and sealed.base_url != mine.base_url:
            raise ProviderKeyRejected("This key was stored for another address. Give it again for this one.")
        return Outgoing(
            base_url=mine.base_url,
            headers={**mine.headers, **sealed.headers, **mine.auth(sealed.key)},
            query=mine.query,
            by_person=True,
            verify_tls=mine.verify_tls,
            timeout=mine.timeout,
            asks_for_usage=mine.asks_for_usage,
        )

    # What is stored

    @classmethod
    def clean_key(cls, api_key: str) -> str:
        """A key alone, or what `prepare` sealed."""
        if key := Secret.of(api_key).key:
            check_key(cls.name, key)
        return api_key.strip()

    @classmethod
    def prepare(cls, api_key: str, metadata: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        check_names(metadata)
        kept = clean(metadata)
        key = ""
        if kept["authScheme"] != NONE:
            if not api_key.strip():
                message = "Paste the server's key, or choose that it needs none."
                raise ValidationError(message, details=[{"field": "key", "message": message}])
            key = check_key(cls.name, api_key)
        return Secret(key, secret_headers(metadata), kept["baseUrl"]).sealed(), kept

    @classmethod
    def given_again(cls, sealed: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        return {**clean(metadata), SECRETS: dict(Secret.of(sealed).headers)}

    @classmethod
    def key_hint(cls, api_key: str) -> str:
        return Secret.of(api_key).key

    @classmethod
    def why_no_reports(cls, kind: str | None, metadata: Mapping[str, Any]) -> str:
        if metadata.get("preset") == DEEPSEEK:
            return NO_DEEPSEEK_REPORTING
        if metadata.get("preset") != OPENROUTER:
            return NO_REPORTING
        return super().why_no_reports(kind, metadata)

    # Key test

    def _test(self, api_key: str) -> TestResult:
        """Test the key as its preset knows best.

        The account is the one that the metadata names, or that the server tells, below the server's address.
        """
        wire = self._wire(api_key)
        if self.settings.preset == OPENROUTER:
            found = openrouter.test(wire)
        elif self.settings.preset == DEEPSEEK:
            found = deepseek.test(wire)
        else:
            found = plain.test(wire, paid=allows_paid_test(self.metadata))
        server, account = self.settings.root.partition("://")[2], self.settings.account or found.account_id
        return replace(
            found,
            account_id=f"{server}#{account}" if account else server,
            account_name=self.settings.account or _title(self.settings),
        )

    def _wire(self, api_key: str) -> Wire:
        return Wire(self.http, self.settings, Secret.of(api_key))

    # Reports

    def reports_of_key(self) -> tuple[str, ...]:
        return self.reports if self.settings.preset == OPENROUTER else ()

    def reported(self, window: Window) -> Window:
        return openrouter.reported(window)

    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        if report not in self.reports_of_key():
            raise ValidationError(f"{self.http.vendor} has no usage report named {report!r}. {NO_REPORTING}")
        return openrouter.usage(self._wire(api_key), start, end)

    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        if self.settings.preset != OPENROUTER:
            raise ValidationError(f"{self.http.vendor} has no cost report. {NO_REPORTING}")
        return openrouter.costs(self._wire(api_key), start, end)

    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """No names: no report of these servers has ids that would need them."""
        yield from ()

    def get_balance(self, api_key: str) -> Balance | None:
        tell = {OPENROUTER: openrouter.balance, DEEPSEEK: deepseek.balance}.get(self.settings.preset)
        return tell(self._wire(api_key)) if tell else None

    # Inference

    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to /chat/completions, /responses, /messages or /embeddings, and track the usage.

        `payload["endpoint"]` names the path; without it `messages` means chat, else responses. Streaming belongs to the
        gateway: ValidationError.
        """
        self.require_sink()
        path, body = route(self.http.vendor, ENDPOINTS, payload)
        answer = self._wire(api_key).post(path, body)
        return self.track_answer(user_id, ENDPOINTS[path], answer, body.get("model"))


def _title(settings: CustomSettings) -> str:
    """What people call the server: the service's name, else its host."""
    return _TITLES.get(settings.preset, settings.host)
