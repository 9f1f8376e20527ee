"""OpenAIProvider: walks OpenAI's reports and lists, and sends single requests."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from guardian.errors import (
    ProviderForbidden,
    ProviderRequestRejected,
    ProviderWrongKeyKind,
    ValidationError,
)
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.periods import DAY, HOUR, Window, floor_day, floor_hour, utcnow
from guardian.providers.base import BaseProvider
from guardian.providers.failures import Answer
from guardian.providers.http.client import Params, check_key
from guardian.providers.inference import Endpoint, route
from guardian.providers.openai.errors import INFERENCE_PREFIXES, KEY_KINDS, classify, is_admin
from guardian.providers.openai.organization import PROJECTS, organization_names
from guardian.providers.openai.reports import (
    COST_GROUPS,
    DROPPABLE_GROUPS,
    REPORTS,
    key_floor,
    read_cost,
    read_usage,
)
from guardian.providers.reports.buckets import (
    Buckets,
    add_cost,
    add_usage,
    aligned,
    cost_identity,
    page_bound,
    usage_identity,
)
from guardian.providers.reports.paging import ask_within_support, names, walk
from guardian.providers.reports.reading import Row
from guardian.records import CostBucket, CostRecord, NamedResource, TestResult, UsageBucket, UsageRecord

ENDPOINTS = {
    "/chat/completions": Endpoint("chat"),
    "/responses": Endpoint("responses"),
    "/embeddings": Endpoint("embeddings", "embedding"),
}
_USAGE_PAGE, _COST_PAGE, _LIST_PAGE = 168, 180, 100  # the most that each endpoint allows


class OpenAIProvider(BaseProvider):
    """OpenAI's organization reports need an admin key; inference needs a project or service account key.

    A walk is read whole before its first bucket is given, so that a broken one gives nothing: ask for days, not years.
    """

    provider = Provider.OPENAI
    name = PROVIDER_NAMES[provider]
    base_urls = ("openai_base_url",)
    key_kinds = KEY_KINDS
    reports: ClassVar[tuple[str, ...]] = tuple(REPORTS)

    # Key test

    def _test(self, api_key: str) -> TestResult:
        """Read one day of costs, the very permission that a sync needs; an inference key lists the models instead.

        A good inference key is a success of kind "inference".
        """
        key = check_key(self.http.vendor, api_key)
        if key.startswith(INFERENCE_PREFIXES):
            return self._test_inference(key)
        try:
            return self._test_admin(key)
        except ProviderWrongKeyKind:
            return self._test_inference(key)

    def _test_admin(self, key: str) -> TestResult:
        yesterday = str(int((utcnow() - DAY).timestamp()))
        answer = self._get(key, "/organization/costs", [("start_time", yesterday), ("limit", "1")], attempts=1)
        return TestResult(
            success=True,
            message="This admin key works: usage and costs can be read.",
            kind="admin",
            account_id=answer.headers.get("openai-organization") or self._account_by_projects(key),
        )

    def _account_by_projects(self, key: str) -> str | None:
        """A name for an organization that OpenAI did not name: its oldest project, which can be archived, not deleted.

        Without one, a second admin key of the same organization would count the same usage again.
        """
        projects = self._list(key, *PROJECTS)
        oldest = min(((p.maybe_count("created_at") or 0, p.text("id")) for p in projects), default=None)
        return f"project:{oldest[1]}" if oldest else None

    def _test_inference(self, key: str) -> TestResult:
        message = "This key works for inference. Usage reports need an admin key: add one beside it."
        try:
            answer = self._get(key, "/models", attempts=1, reports=False)
        except ProviderForbidden as forbidden:
            if forbidden.details is None:
                raise
            # A restricted key may lack api.model.read and be good all the same: OpenAI knows it.
            return TestResult(success=True, message=message, kind="inference")
        account = answer.headers.get("openai-organization")
        return TestResult(success=True, message=message, kind="inference", account_id=account)

    # Reports

    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        spec = REPORTS.get(report)
        if spec is None:
            raise ValidationError(f"OpenAI has no usage report named {report!r}.")
        where = f"OpenAI's {report} report"
        window = aligned(start, end, floor_hour, HOUR)
        query = [("bucket_width", "1h"), ("limit", str(_USAGE_PAGE))]
        found = Buckets[UsageRecord](window, where, usage_identity, add_usage)
        try:
            for page in self._walk(api_key, f"/organization/usage/{report}", where, window, HOUR, query, spec.groups):
                found.take(page, "start_time", "end_time", partial(read_usage, spec))
        except ProviderRequestRejected as rejected:
            if rejected.upstream_status == 404 and not spec.essential:
                return
            raise
        for first, last, records in found:
            yield UsageBucket(series=report, start=first, end=last, records=records)

    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        yield from self._costs(api_key, aligned(start, end, floor_day, DAY), COST_GROUPS)

    def _costs(self, api_key: str, window: Window, groups: Sequence[str]) -> Iterator[CostBucket]:
        """Days of the cost report; by key only from where OpenAI can tell keys apart: before, it answers 400."""
        where = "OpenAI's costs report"
        found = Buckets[CostRecord](window, where, cost_identity, add_cost)
        query = [("bucket_width", "1d"), ("limit", str(_COST_PAGE))]
        try:
            for page in self._walk(api_key, "/organization/costs", where, window, DAY, query, groups):
                found.take(page, "start_time", "end_time", read_cost)
        except ProviderRequestRejected as rejected:
            if "api_key_id" not in groups or rejected.upstream_status not in (400, 422):
                raise
            coarse = [g for g in groups if g != "api_key_id"]
            floor = key_floor(rejected.message, window)
            early = list(self._costs(api_key, Window(window.start, floor), coarse))
            late = list(self._costs(api_key, Window(floor, window.end), groups))
            yield from (*early, *late)
            return
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
        """The pages of one report over [window.start, window.end or now).

        The end is fixed for the whole walk: a page token belongs to exactly one query, and a moving end breaks paging.
        """
        now = utcnow()
        end = min(window.end, now.replace(microsecond=0))
        if end <= window.start:
            return

        def ask(features: Sequence[str], page: str | None = None) -> Answer:
            params = [("start_time", _unix(window.start)), *query]
            params += [("end_time", _unix(end))] if "end_time" in features else []
            params += [("group_by[]", name) for name in features if name != "end_time"]
            return self._get(api_key, path, params + ([("page", page)] if page else []))

        # An end in OpenAI's future can be refused, and clocks differ: then it is left out.
        droppable = [*DROPPABLE_GROUPS, "end_time"] if end < window.end else DROPPABLE_GROUPS
        handed_back = ["api_key_id"] if path.endswith("/costs") else []
        wanted = [f for f in (*groups, "end_time") if (path, f) not in self._refused]
        first, features = ask_within_support(ask, wanted, droppable, handed_back)
        # Users can be told apart in some time ranges and not in others, so that refusal is not remembered.
        self._refused |= {(path, "api_source")} - {(path, f) for f in features}
        bound = page_bound(Window(window.start, end if "end_time" in features else now), width)
        yield from walk(lambda page: ask(features, page) if page else first, where, most=bound)

    # Names

    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """Projects, their keys and service accounts, users and admin keys. What the key may not list is left out."""
        return organization_names(partial(self._list, api_key))

    def _list(self, api_key: str, path: str, query: Params = ()) -> Iterator[Row]:
        def ask(after: str | None) -> Answer:
            params = [*query, ("limit", str(_LIST_PAGE)), *([("after", after)] if after else [])]
            return self._get(api_key, path, params)

        return names(ask, f"OpenAI's list {path.removeprefix('/organization/')}")

    # Inference

    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to /chat/completions, /responses or /embeddings, and track the usage.

        `payload["endpoint"]` names the path; without it `messages` means chat, and `input` embeddings where the model's
        name says so, else responses. Streaming belongs to the gateway: ValidationError.
        """
        self.require_sink()
        embeds = "messages" not in payload and "embedding" in str(payload.get("model", ""))
        usual = {"endpoint": "/embeddings"} if embeds else {}
        path, body = route(self.name, ENDPOINTS, {**usual, **payload})
        key = check_key(self.http.vendor, api_key)
        answer = self.http.post_json(
            path,
            body,
            _bearer(key),
            classify=lambda a: classify(a, admin_key=is_admin(key), reports=False),
        )
        return self.track_answer(user_id, ENDPOINTS[path], answer, body.get("model"))

    def _get(
        self, api_key: str, path: str, params: Params = (), *, attempts: int | None = None, reports: bool = True
    ) -> Answer:
        key = check_key(self.http.vendor, api_key)
        return self.http.get_json(
            path,
            params,
            _bearer(key),
            classify=lambda answer: classify(answer, admin_key=is_admin(key), reports=reports),
            attempts=attempts,
        )


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _unix(moment: datetime) -> str:
    return str(int(moment.timestamp()))
