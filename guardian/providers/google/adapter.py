"""GoogleProvider: reads Cloud Monitoring and the billing export with a service account, and sends single requests."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from guardian.config import Settings
from guardian.errors import (
    ProviderError,
    ProviderForbidden,
    ProviderRequestRejected,
    ProviderWrongKeyKind,
    ValidationError,
)
from guardian.models.enums import PROVIDER_NAMES, Provider, ResourceKind
from guardian.periods import DAY, HOUR, Window, ceil_hour, floor_day, floor_hour, utcnow
from guardian.providers.base import BaseProvider
from guardian.providers.failures import Answer
from guardian.providers.google import costs, inference
from guardian.providers.google.cloud import BIGQUERY, MONITORING, OAUTH, Cloud
from guardian.providers.google.errors import classify
from guardian.providers.google.keys import (
    KEY_FIELDS,
    KEY_KINDS,
    ServiceAccount,
    clean_service_account,
    is_service_account,
    places,
    service_account,
)
from guardian.providers.google.usage import REPORTS, may_read_usage, read_report
from guardian.providers.http.client import check_key
from guardian.providers.inference import Outgoing
from guardian.providers.reports.buckets import add_cost, aligned, cost_identity
from guardian.providers.reports.reading import Row
from guardian.records import CostBucket, CostRecord, NamedResource, TestResult, UsageBucket, UsageRecord

_MODELS, _NAMED_SINCE = 50, 30 * DAY
# Cloud Monitoring keeps metrics for six weeks at least: of hours before, no data is no word about them.
_KEPT = timedelta(weeks=6)
_LATE = timedelta(minutes=10)


class GoogleProvider(BaseProvider):
    """Reports need a service account's key and the metadata of KEY_FIELDS; inference needs a Gemini API key.

    Tokens come from Cloud Monitoring: of Vertex AI by model, of Gemini API keys the input only. Money comes from the
    billing export, project by project: Google does not split it by key. Raises ValidationError for metadata that names
    no project, table or location.
    """

    provider = Provider.GOOGLE
    name = PROVIDER_NAMES[provider]
    base_urls = ("google_base_url", BIGQUERY, MONITORING, OAUTH)
    key_kinds = KEY_KINDS
    key_fields = KEY_FIELDS
    reports: ClassVar[tuple[str, ...]] = REPORTS
    no_reporting = (
        "Google has no usage report for Gemini API keys: their exact use comes from calls through the gateway or from "
        "ingested events."
    )

    @cached_property
    def _cloud(self) -> Cloud:
        return Cloud(self.further)

    @classmethod
    def clean_key(cls, api_key: str) -> str:
        return clean_service_account(api_key) if is_service_account(api_key) else check_key(cls.name, api_key)

    @classmethod
    def prepare(cls, api_key: str, metadata: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        key, kept = super().prepare(api_key, metadata)
        if is_service_account(key):
            places(kept, service_account(key))
        return key, kept

    @classmethod
    def key_hint(cls, api_key: str) -> str:
        return service_account(api_key).key_id if is_service_account(api_key) else api_key

    @classmethod
    def outgoing(cls, secret: str, metadata: Mapping[str, Any], settings: Settings) -> Outgoing:
        return replace(super().outgoing(secret, metadata, settings), headers={"x-goog-api-key": secret})

    # Key test

    def _test(self, api_key: str) -> TestResult:
        """Read one hour of tokens and have the query for costs checked; a Gemini key lists models and counts a word.

        A good Gemini key is a success of kind "inference". Raises ValidationError for metadata that cannot be.
        """
        if is_service_account(api_key):
            return self._test_account(service_account(api_key))
        return self._test_gemini(check_key(self.http.vendor, api_key))

    def _test_account(self, account: ServiceAccount) -> TestResult:
        where, now = places(self.metadata, account), utcnow()
        for project in where.projects:
            may_read_usage(self._cloud.monitoring(account, attempts=1), project, now)
        costs.may_read_costs(self._cloud.bigquery(account, attempts=1), where, Window(floor_day(now), now))
        named = ", ".join(where.projects)
        costs_too = ". Costs need the table of the billing export" if where.table is None else " and the billing export"
        return TestResult(
            success=True,
            message=f"This service account works: it may read the tokens of {named}{costs_too}.",
            kind="admin",
            account_id=where.billing_account or f"project:{where.projects[0]}",
        )

    def _test_gemini(self, key: str) -> TestResult:
        """Listing the models works with keys that may not use any, so one of them counts the tokens of a word: free."""
        answer = self.http.get_json(
            "/v1beta/models", [("pageSize", str(_MODELS))], _gemini_headers(key), classify=_of_gemini, attempts=1
        )
        listed = Row(answer.body, "Google's list of models").rows("models") if answer.body.get("models") else []
        able = [m for m in listed if "countTokens" in str(m.raw.get("supportedGenerationMethods"))] or listed
        if not able:
            raise ProviderForbidden("This key of Google may use no model. Look at its project in Google AI Studio.")
        self.http.post_json(
            f"/v1beta/{quote(able[0].text('name'))}:countTokens",
            {"contents": [{"parts": [{"text": "Hello"}]}]},
            _gemini_headers(key),
            classify=_of_gemini,
            attempts=1,
            repeatable=True,
        )
        return TestResult(
            success=True,
            message="This Gemini API key works for inference. Usage needs a service account's key: add one beside it.",
            kind="inference",
        )

    # Reports

    def reported(self, window: Window) -> Window:
        """Metrics come some minutes late, and those of long ago are gone."""
        return Window(max(window.start, ceil_hour(window.end - _KEPT)), max(window.start, window.end - _LATE))

    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        """The hours of one report, a series per project: keys of one billing account may read different projects."""
        if report not in self.reports:
            raise ValidationError(f"Google has no usage report named {report!r}.")
        account, now = self._account(api_key), utcnow()
        window = aligned(start, min(end, floor_hour(now) + HOUR), floor_hour, HOUR)
        if window.start >= window.end:
            return
        found: list[UsageBucket] = []
        for project in places(self.metadata, account).projects:
            hours: dict[datetime, list[UsageRecord]] = {}
            for record in read_report(self._cloud.monitoring(account), report, project, window, now):
                hours.setdefault(record.start, []).append(record)
            series = f"{report}/{project}"
            for hour in window.chunks(HOUR):
                records = tuple(hours.get(hour.start, ()))
                if records or hour.start >= now - _KEPT:
                    found.append(UsageBucket(series=series, start=hour.start, end=hour.end, records=records))
        yield from found

    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        """The days of the billing export; none where the key's metadata names no table of it."""
        account, now = self._account(api_key), utcnow()
        where = places(self.metadata, account)
        window = aligned(start, min(end, floor_day(now) + DAY), floor_day, DAY)
        if where.table is None or window.start >= window.end:
            return
        days: dict[datetime, dict[Any, CostRecord]] = {day.start: {} for day in window.chunks(DAY)}
        for record in costs.read_costs(self._cloud.bigquery(account), where, window):
            if record.start in days:
                lines, line = days[record.start], cost_identity(record)
                lines[line] = add_cost(lines[line], record) if line in lines else record
        for day, lines in days.items():
            yield CostBucket(start=day, end=day + DAY, records=tuple(lines.values()))

    # Names

    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """The projects of the billing export of the last month; none where it may not be read."""
        account, now = self._account(api_key), utcnow()
        window = Window(floor_day(now) - _NAMED_SINCE, now)
        try:
            for project, name in costs.project_names(
                self._cloud.bigquery(account), places(self.metadata, account), window
            ):
                yield NamedResource(kind=ResourceKind.PROJECT, external_id=project, name=name)
        except (ProviderForbidden, ProviderRequestRejected) as error:
            if error.upstream_status not in (403, 404):
                raise

    # Inference

    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to models/{payload["model"]}:generateContent, or the method that `payload["endpoint"]` names, and track.

        Streaming belongs to the gateway. Raises ValidationError.
        """
        self.require_sink()
        path, endpoint, model, body = inference.route(payload)
        if is_service_account(api_key):
            raise ProviderWrongKeyKind("This key of Google is for reports, not for inference. Use a Gemini API key.")
        key = check_key(self.http.vendor, api_key)
        answer = self.http.post_json(path, body, _gemini_headers(key), classify=_of_gemini)
        return self.track_answer(
            user_id,
            endpoint,
            answer,
            model,
            response_id=answer.body.get("responseId"),
            tier=inference.tier_of(answer),
        )

    # Connections

    def _account(self, api_key: str) -> ServiceAccount:
        if is_service_account(api_key):
            return service_account(api_key)
        check_key(self.http.vendor, api_key)
        raise ProviderWrongKeyKind(
            "This Google key is for inference and cannot read usage. Create a service account's key in Google Cloud "
            "(IAM, Service accounts, Keys), and paste its whole JSON file in place of this one."
        )


def _gemini_headers(key: str) -> dict[str, str]:
    """One credential, and never in the address, where logs would keep it."""
    return {"x-goog-api-key": key}


def _of_gemini(answer: Answer) -> ProviderError | None:
    return classify(answer, cloud=False)
