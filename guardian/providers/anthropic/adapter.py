"""AnthropicProvider: walks Anthropic's reports and lists, and sends single messages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from guardian.config import Settings
from guardian.errors import (
    ProviderWrongKeyKind,
    ValidationError,
)
from guardian.models.enums import PROVIDER_NAMES, Provider, ResourceKind
from guardian.periods import DAY, HOUR, Window, floor_day, floor_hour, rfc3339, utcnow
from guardian.providers.anthropic.errors import ADMIN_PREFIX, INFERENCE_PREFIX, KEY_KINDS, classify
from guardian.providers.anthropic.reports import COST_GROUPS, DROPPABLE_GROUPS, USAGE_GROUPS, read_cost, read_usage
from guardian.providers.base import BaseProvider
from guardian.providers.failures import Answer
from guardian.providers.http.client import Params, check_key
from guardian.providers.inference import Endpoint, Outgoing, route
from guardian.providers.reports.buckets import (
    Buckets,
    add_cost,
    add_usage,
    aligned,
    cost_identity,
    page_bound,
    usage_identity,
)
from guardian.providers.reports.paging import ask_within_support, named, names, walk
from guardian.providers.reports.reading import Row
from guardian.records import CostBucket, CostRecord, NamedResource, TestResult, UsageBucket, UsageRecord

ENDPOINTS = {"/v1/messages": Endpoint("messages", "message")}
_VERSION = "2023-06-01"
_FAST_MODE = "fast-mode-2026-02-01"  # the beta in which usage can be grouped by speed
_USAGE_PAGE, _COST_PAGE, _LIST_PAGE = 168, 31, 100
# cost_report refuses a window without a complete day ("ending date must be after starting date").
_COMPLETE_DAYS = 3 * DAY


class AnthropicProvider(BaseProvider):
    """Anthropic's reports need an Admin key of the Claude Console; inference needs an API key of a workspace.

    A walk is read whole before its first bucket is given, so that a broken one gives nothing: ask for days, not years.
    """

    provider = Provider.ANTHROPIC
    name = PROVIDER_NAMES[provider]
    base_urls = ("anthropic_base_url",)
    key_kinds = KEY_KINDS
    reports: ClassVar[tuple[str, ...]] = ("messages",)

    @classmethod
    def outgoing(cls, secret: str, metadata: Mapping[str, Any], settings: Settings) -> Outgoing:
        return replace(super().outgoing(secret, metadata, settings), headers={"x-api-key": secret})

    # Key test

    def _test(self, api_key: str) -> TestResult:
        """Ask for the organization and one day of its costs; an inference key lists the models instead.

        A good inference key is a success of kind "inference".
        """
        key = check_key(self.http.vendor, api_key)
        if key.startswith(INFERENCE_PREFIX):
            return self._test_inference(key)
        try:
            return self._test_admin(key)
        except ProviderWrongKeyKind:
            return self._test_inference(key)

    def _test_admin(self, key: str) -> TestResult:
        me = Row(self._get(key, "/v1/organizations/me", attempts=1).body, "Anthropic's organization")
        since = [("starting_at", rfc3339(floor_day(utcnow()) - _COMPLETE_DAYS)), ("limit", "1")]
        self._get(key, "/v1/organizations/cost_report", since, attempts=1)
        name = me.maybe_text("name")
        return TestResult(
            success=True,
            message=f"This Admin key works: usage and costs of {name or 'the organization'} can be read.",
            kind="admin",
            account_id=me.text("id"),
            account_name=name,
        )

    def _test_inference(self, key: str) -> TestResult:
        answer = self._get(key, "/v1/models", [("limit", "1")], attempts=1, reports=False)
        return TestResult(
            success=True,
            message="This key works for inference. Usage reports need an Admin key: add one beside it.",
            kind="inference",
            account_id=answer.headers.get("anthropic-organization-id"),
        )

    # Reports

    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        if report not in self.reports:
            raise ValidationError(f"Anthropic has no usage report named {report!r}.")
        where = "Anthropic's messages usage report"
        window = aligned(start, end, floor_hour, HOUR)
        query = [("bucket_width", "1h"), ("limit", str(_USAGE_PAGE))]
        found = Buckets[UsageRecord](window, where, usage_identity, add_usage)
        path = "/v1/organizations/usage_report/messages"
        for page in self._walk(api_key, path, where, window, HOUR, query, USAGE_GROUPS):
            found.take(page, "starting_at", "ending_at", read_usage)
        for first, last, records in found:
            yield UsageBucket(series=report, start=first, end=last, records=records)

    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        where = "Anthropic's cost report"
        window = aligned(start, end, floor_day, DAY)
        now = utcnow()
        if window.start >= min(window.end, now):
            return
        asked = Window(min(window.start, floor_day(now) - _COMPLETE_DAYS), window.end)
        query = [("bucket_width", "1d"), ("limit", str(_COST_PAGE))]
        # Days that are only asked for to make the window long enough are dropped again here.
        found = Buckets[CostRecord](window, where, cost_identity, add_cost)
        for page in self._walk(api_key, "/v1/organizations/cost_report", where, asked, DAY, query, COST_GROUPS):
            found.take(page, "starting_at", "ending_at", read_cost)
        for first, last, records in found:
            yield CostBucket(start=first, end=last, records=records)

    def _walk(
        self,
        api_key: str,
        path: str,
        where: str,
        window: Window,
        width: timedelta,
        query: Params,
        groups: Sequence[str],
    ) -> Iterator[Row]:
        """The pages of one report, up to the end of the bucket of this moment, which is fixed for the whole walk.

        Only buckets that end by `ending_at` are reported, so the running one is asked for by its end in the future.
        """
        now = utcnow()
        running = floor_hour(now) if width == HOUR else floor_day(now)
        end = min(window.end, running + width)
        if end <= window.start:
            return

        def ask(features: Sequence[str], page: str | None = None) -> Answer:
            params = [("starting_at", rfc3339(window.start)), *query]
            params += [("ending_at", rfc3339(end))] if "ending_at" in features else []
            params += [("group_by[]", name) for name in features if name != "ending_at"]
            beta = _FAST_MODE if "speed" in features else None
            return self._get(api_key, path, params + ([("page", page)] if page else []), beta=beta)

        droppable = [*DROPPABLE_GROUPS, "ending_at"] if end > now else DROPPABLE_GROUPS
        wanted = [f for f in (*groups, "ending_at") if (path, f) not in self._refused]
        first, features = ask_within_support(ask, wanted, droppable)
        self._refused |= {(path, f) for f in wanted if f in DROPPABLE_GROUPS and f not in features}
        bound = page_bound(Window(window.start, end if "ending_at" in features else now), width)
        yield from walk(lambda page: ask(features, page) if page else first, where, most=bound)

    # Names

    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """Workspaces, keys and users; what is forbidden is left out. The default workspace has no id here."""
        for row in self._list(api_key, "workspaces", [("include_archived", "true")]):
            yield named(ResourceKind.PROJECT, row)
        for row in self._list(api_key, "api_keys"):
            workspace = row.maybe_text("workspace_id") or row.maybe_child("scope").maybe_text("workspace_id")
            yield named(ResourceKind.API_KEY, row, workspace)
        for row in self._list(api_key, "users"):
            yield named(ResourceKind.USER, row)

    def _list(self, api_key: str, name: str, query: Params = ()) -> Iterator[Row]:
        def ask(after: str | None) -> Answer:
            params = [*query, ("limit", str(_LIST_PAGE)), *([("after_id", after)] if after else [])]
            return self._get(api_key, f"/v1/organizations/{name}", params)

        return names(ask, f"Anthropic's list of {name}")

    # Inference

    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to /v1/messages and track the usage. Streaming belongs to the gateway: ValidationError."""
        self.require_sink()
        path, body = route(self.name, ENDPOINTS, {"endpoint": "/v1/messages", **payload})
        key = check_key(self.http.vendor, api_key)
        answer = self.http.post_json(
            path,
            body,
            _headers(key),
            classify=lambda a: classify(a, admin_key=key.startswith(ADMIN_PREFIX), reports=False),
        )
        return self.track_answer(user_id, ENDPOINTS[path], answer, body.get("model"))

    def _get(
        self,
        api_key: str,
        path: str,
        params: Params = (),
        *,
        attempts: int | None = None,
        reports: bool = True,
        beta: str | None = None,
    ) -> Answer:
        key = check_key(self.http.vendor, api_key)
        return self.http.get_json(
            path,
            params,
            _headers(key) | ({"anthropic-beta": beta} if beta else {}),
            classify=lambda answer: classify(answer, admin_key=key.startswith(ADMIN_PREFIX), reports=reports),
            attempts=attempts,
        )


def _headers(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": _VERSION}
