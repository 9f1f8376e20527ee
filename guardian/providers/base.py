"""BaseProvider: what every vendor's adapter offers, and the parts that all of them share."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from guardian.config import Settings
from guardian.crypto import EncryptionService, SealedSecret
from guardian.errors import ProviderError
from guardian.models.enums import CostSource, Provider
from guardian.periods import Window, utcnow
from guardian.providers.describing import KeyField, KeyKind
from guardian.providers.failures import Answer
from guardian.providers.http.client import ProviderHttp, check_key
from guardian.providers.inference import Endpoint, Outgoing
from guardian.providers.tracking import Pricer, TrackedUsage, UsageSink
from guardian.providers.usage import record_of
from guardian.records import Balance, CostBreakdown, CostBucket, NamedResource, TestResult, UsageBucket, UsageRecord


class BaseProvider(ABC):
    """One vendor. An instance is cheap, holds no key, and may be used by one thread at a time.

    `name` is what people call the vendor, `base_urls` the settings of its addresses, of which the first is `http`'s.
    A refusal with a status of `meant_pages` means that also when its body is a web page.
    `reports` lists the usage reports of the vendor, in the order in which a sync reads them; empty where the vendor
    has none, and then `no_reporting` says so in a sentence. `key_kinds` and `key_fields` are what a form asks for.
    All calls raise ProviderError (see errors.py) and nothing else when the vendor is at fault.
    """

    provider: ClassVar[Provider]
    name: ClassVar[str]
    base_urls: ClassVar[tuple[str, ...]]
    meant_pages: ClassVar[tuple[int, ...]] = ()
    key_kinds: ClassVar[tuple[KeyKind, ...]]
    key_fields: ClassVar[tuple[KeyField, ...]] = ()
    reports: ClassVar[tuple[str, ...]] = ()
    no_reporting: ClassVar[str] = ""

    def __init__(
        self,
        http: ProviderHttp,
        *,
        pricer: Pricer,
        sink: UsageSink | None = None,
        metadata: Mapping[str, Any] | None = None,
        further: Mapping[str, ProviderHttp] | None = None,
    ) -> None:
        """`further` are the clients of the settings in `base_urls` after the first, by the setting's name."""
        self.http = http
        self.further: Mapping[str, ProviderHttp] = further or {}
        self.metadata: Mapping[str, Any] = metadata or {}
        self._pricer = pricer
        self._sink = sink
        # Features that the vendor refused on a path: not asked for again in this instance's life.
        self._refused: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Give back the connections."""
        for http in (self.http, *self.further.values()):
            http.close()

    @classmethod
    def clients(
        cls, settings: Settings, metadata: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep
    ) -> Mapping[str, ProviderHttp]:
        """New clients by the name of the setting that says where they lead; the first one is `http`.

        `metadata` is the key's, for a vendor whose address the key brings along. Raises ConfigurationError for a
        setting, ValidationError for metadata, that is no usable address.
        """
        return {
            setting: ProviderHttp(
                cls.name,
                getattr(settings, setting),
                timeout=settings.provider_timeout_seconds,
                attempts=settings.provider_attempts,
                sleep=sleep,
                setting=setting.upper(),
                meant_pages=cls.meant_pages,
            )
            for setting in cls.base_urls
        }

    @classmethod
    def clean_key(cls, api_key: str) -> str:
        """The key as it is stored and sent, without what a careless paste adds.

        Raises ProviderKeyRejected for what cannot be a key of this vendor.
        """
        return check_key(cls.name, api_key)

    @classmethod
    def prepare(cls, api_key: str, metadata: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """What is sealed, and what is kept for everybody to read, of a key and its metadata as a form has them.

        Raises ProviderKeyRejected as clean_key does, ValidationError for metadata that cannot be.
        """
        return cls.clean_key(api_key), {name: value for name, value in metadata.items() if value not in ("", None)}

    @classmethod
    def given_again(cls, sealed: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata that `prepare` takes with another key in the place of a sealed one."""
        return dict(metadata)

    @classmethod
    def why_no_reports(cls, kind: str | None, metadata: Mapping[str, Any]) -> str:
        """What a key of that kind cannot report, and where it comes from instead; empty where nothing is missing."""
        if kind == "admin":
            return "" if cls.reports else cls.no_reporting
        admin = next((each for each in cls.key_kinds if each.kind == "admin"), None)
        if admin is None:
            return cls.no_reporting
        return (
            "This key reads no reports: its usage comes in through the gateway, the ingest API, or a key of the kind "
            f"“{admin.name}”."
        )

    @classmethod
    def key_hint(cls, api_key: str) -> str:
        """The part of a clean key whose last characters people recognise it by."""
        return api_key

    @classmethod
    def outgoing(cls, secret: str, metadata: Mapping[str, Any], settings: Settings) -> Outgoing:
        """Where the calls of applications go with this key. Raises ProviderKeyRejected, ValidationError."""
        base_url: str = getattr(settings, cls.base_urls[0])
        return Outgoing(base_url=base_url.rstrip("/"), headers={"authorization": f"Bearer {secret}"})

    def test_connection(self, api_key: str) -> TestResult:
        """Try the key. Never raises for a bad one: it says so, and `metadata["code"]` is the error's code."""
        try:
            return self._test(api_key)
        except ProviderError as error:
            return TestResult(success=False, message=error.message, metadata={"code": error.code})

    @abstractmethod
    def _test(self, api_key: str) -> TestResult:
        """Try the key with the cheapest call that proves what a sync needs. Raises ProviderError for a bad one."""

    @abstractmethod
    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        """The buckets of one report that touch [start, end), oldest first, empty ones included; all or none."""

    @abstractmethod
    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        """The days of the cost report that touch [start, end), oldest first, empty ones included."""

    @abstractmethod
    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """Names of the account's projects, keys and users."""

    def get_balance(self, api_key: str) -> Balance | None:
        """The credit that is left; None where the vendor, or this key, does not tell."""
        return None

    def reports_of_key(self) -> tuple[str, ...]:
        """Those of `reports` that keys with this metadata read."""
        return self.reports

    def reported(self, window: Window) -> Window:
        """The part of a span, asked for at its end, that the usage reports speak of; only that becomes covered.

        Before it and after it no usage means nothing: the calls that were tracked speak for those times.
        """
        return window

    @abstractmethod
    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send one inference request, track its usage in the sink, and give the vendor's answer back unchanged."""

    def calculate_cost(self, usage: UsageRecord) -> CostBreakdown:
        """Price one record: the provider's own word first, else the pricer that the caller gave."""
        return self._pricer(usage)

    def track_usage(self, user_id: str, usage: UsageRecord, cost: CostBreakdown, **facts: Any) -> None:
        """Hand one priced call to the sink. The sink stores it, publishes the change and has the alerts checked."""
        self.require_sink()(TrackedUsage(user_id, usage, cost, **facts))

    def require_sink(self) -> UsageSink:
        """The sink; asked for before a request is sent, so that no paid call goes untracked. Raises ProviderError."""
        if self._sink is None:
            raise ProviderError("This provider was made without a ledger to write to.")
        return self._sink

    def track_answer(
        self,
        user_id: str,
        endpoint: Endpoint,
        answer: Answer,
        asked_model: object,
        *,
        response_id: str | None = None,
        tier: str | None = None,
    ) -> dict[str, Any]:
        """Price and track what one inference answer states of its use; gives its body.

        `response_id` and `tier` are the answer's own where its body does not have them in the usual place.
        """
        usage, missing = record_of(
            self.provider,
            endpoint.operation,
            endpoint.flavour,
            answer.body,
            asked_model=str(asked_model or ""),
            at=utcnow(),
            settings=self.metadata,
        )
        if tier and usage.service_tier is None:
            usage = replace(usage, service_tier=tier)
        if missing is None:
            cost = self.calculate_cost(usage)
        else:
            cost = CostBreakdown(amount=None, source=CostSource.UNPRICED, reason=missing)
        self.track_usage(
            user_id,
            usage,
            cost,
            response_id=response_id or answer.body.get("id"),
            response_time=answer.response_time,
            status_code=answer.status,
        )
        return dict(answer.body)

    def validate_api_key(self, stored: SealedSecret, encryption: EncryptionService) -> bool:
        """Open a sealed key and test it. Raises DecryptionError when no key of the ring opens it."""
        return self.test_connection(encryption.decrypt_api_key(stored)).success
