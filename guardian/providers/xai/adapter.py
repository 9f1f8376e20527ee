"""XAIProvider: reads what xAI billed a team, names and balance, tests both kinds of key, and sends single requests."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from guardian.errors import (
    ProviderError,
    ProviderForbidden,
    ProviderKeyRejected,
    ProviderRequestRejected,
    ValidationError,
)
from guardian.models.enums import PROVIDER_NAMES, Provider, ResourceKind
from guardian.periods import DAY, Window, floor_day, utcnow
from guardian.providers.base import BaseProvider
from guardian.providers.failures import Answer
from guardian.providers.http.client import Params, ProviderHttp
from guardian.providers.inference import Endpoint, route
from guardian.providers.reports.buckets import add_cost, aligned, cost_identity
from guardian.providers.reports.paging import ask_within_support
from guardian.providers.reports.reading import Row
from guardian.providers.xai import billing
from guardian.providers.xai.errors import KEY_KINDS, NO_REPORTING, blocked, classify, classify_question, wrong_kind
from guardian.records import Balance, CostBucket, CostRecord, NamedResource, TestResult, UsageBucket

ENDPOINTS = {
    "/chat/completions": Endpoint("chat"),
    "/responses": Endpoint("responses"),
    "/images/generations": Endpoint("images", "image"),
}
_MONTH = 30 * DAY
_LIST_PAGE, _MOST_PAGES = "100", 100


class XAIProvider(BaseProvider):
    """xAI's billing needs a management key, which belongs to a team; inference needs an API key of the team.

    There is no usage report: the billing usage tells dollars, and units whose kinds nobody enumerates.
    """

    provider = Provider.XAI
    name = PROVIDER_NAMES[provider]
    base_urls = ("xai_base_url", "xai_management_base_url")
    key_kinds = KEY_KINDS
    no_reporting = NO_REPORTING

    @property
    def _management(self) -> ProviderHttp:
        return self.further["xai_management_base_url"]

    # Key test

    def _test(self, api_key: str) -> TestResult:
        """Ask the API about the key; one that it does not know may be a management key, whose balance is read then.

        A good inference key is a success of kind "inference".
        """
        key = self.clean_key(api_key)
        try:
            own = self._own_facts(key)
        except (ProviderKeyRejected, ProviderForbidden) as refused:
            return self._test_management(key, refused)
        if (error := blocked(own)) is not None:
            raise error
        return TestResult(
            success=True,
            message="This key works for inference. Costs need an admin key, which xAI calls a management key: add one "
            "beside it.",
            kind="inference",
            account_id=own.maybe_text("team_id"),
        )

    def _own_facts(self, key: str) -> Row:
        """What xAI says of an inference key. Raises ProviderKeyRejected for a management key."""
        answer = self.http.get_json("/api-key", headers=_bearer(key), classify=classify_question, attempts=1)
        return Row(answer.body, "xAI's description of the key")

    def _test_management(self, key: str, refused: ProviderError) -> TestResult:
        """Raises `refused` when the key is no management key either."""
        try:
            team = self._team(key, attempts=1)
        except (ProviderKeyRejected, ProviderForbidden, ProviderRequestRejected):
            raise refused from None
        return TestResult(
            success=True,
            message="This management key works: costs and balance of its team can be read.",
            kind="admin",
            account_id=team,
            balance=self._balance(key, team, attempts=1),
        )

    def _team(self, key: str, *, attempts: int | None = None) -> str:
        """The team that a management key belongs to."""
        answer = self._get(key, "/auth/management-keys/validation", attempts=attempts)
        found = Row(answer.body, "xAI's description of the management key")
        return found.maybe_text("teamId") or found.text("scopeId")

    def _team_of(self, api_key: str) -> tuple[str, str]:
        """The clean key and its team. Raises ProviderWrongKeyKind for a good inference key."""
        key = self.clean_key(api_key)
        try:
            return key, self._team(key)
        except (ProviderKeyRejected, ProviderForbidden) as refused:
            try:
                self._own_facts(key)
            except ProviderError:
                raise refused from None
            raise wrong_kind(refused.upstream_status) from None

    # Reports

    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        raise ValidationError(f"xAI has no usage report named {report!r}. {NO_REPORTING}")

    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        asked = aligned(start, end, floor_day, DAY)
        window = Window(asked.start, min(asked.end, floor_day(utcnow()) + DAY))
        if window.end <= window.start:
            return
        key, team = self._team_of(api_key)
        found: dict[datetime, dict[Hashable, CostRecord]] = {day.start: {} for day in window.chunks(DAY)}
        for month in window.chunks(_MONTH):
            for record in self._costs(key, team, month):
                day, identity = found[record.start], cost_identity(record)
                day[identity] = add_cost(day[identity], record) if identity in day else record
        for day, records in found.items():
            yield CostBucket(start=day, end=day + DAY, records=tuple(records.values()))

    def _costs(self, key: str, team: str, window: Window) -> Iterator[CostRecord]:
        """The lines of a window, which is halved until xAI does not cut the answer off."""
        path, now = _usage_path(team), utcnow()
        if window.start >= now:
            return

        def ask(features: Sequence[str]) -> Answer:
            return self._post(key, path, billing.question(window, features, now))

        wanted = [f for f in (*billing.VALUES, *billing.GROUPS) if (path, f) not in self._refused]
        answer, features = ask_within_support(ask, wanted, billing.DROPPABLE)
        self._refused |= {(path, f) for f in wanted if f not in features}
        page = Row(answer.body, billing.WHERE)
        if not billing.is_cut_off(page):
            yield from billing.read_costs(page, features, window)
            return
        for part in billing.narrower(window):
            yield from self._costs(key, team, part)

    # Names and balance

    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """The team's API keys; where they may not be listed, those that cost something in the last 30 days."""
        key, team = self._team_of(api_key)
        try:
            yield from list(self._listed_keys(key, team))
        except (ProviderForbidden, ProviderRequestRejected) as error:
            if error.upstream_status not in (403, 404):
                raise
            for external_id, name in self._labelled_keys(key, team):
                yield NamedResource(kind=ResourceKind.API_KEY, external_id=external_id, name=name)

    def _listed_keys(self, key: str, team: str) -> Iterator[NamedResource]:
        token, seen = "", set[str]()
        for _ in range(_MOST_PAGES):
            seen.add(token)
            params = [("pageSize", _LIST_PAGE), *([("paginationToken", token)] if token else [])]
            answer = self._get(key, f"/auth/teams/{quote(team, safe='')}/api-keys", params)
            page = Row(answer.body, "xAI's list of API keys")
            for row in page.rows("apiKeys") if page.raw.get("apiKeys") is not None else []:
                external_id, masked = row.text("apiKeyId"), row.maybe_text("redactedApiKey")
                name = row.maybe_text("name") or masked or external_id
                yield NamedResource(kind=ResourceKind.API_KEY, external_id=external_id, name=name, masked=masked)
            token = page.maybe_text("paginationToken") or ""
            if token in seen or not token:
                return

    def _labelled_keys(self, key: str, team: str) -> list[tuple[str, str]]:
        now = utcnow()
        body = billing.question(Window(now - _MONTH, now), ("usd", "api_key_id"), now, "TIME_UNIT_NONE")
        try:
            answer = self._post(key, _usage_path(team), body)
        except (ProviderForbidden, ProviderRequestRejected):
            return []  # names are a courtesy: people then read ids
        return list(billing.read_labels(Row(answer.body, billing.WHERE)))

    def get_balance(self, api_key: str) -> Balance | None:
        return self._balance(*self._team_of(api_key))

    def _balance(self, key: str, team: str, *, attempts: int | None = None) -> Balance | None:
        try:
            answer = self._get(key, f"/v1/billing/teams/{quote(team, safe='')}/prepaid/balance", attempts=attempts)
        except ProviderRequestRejected as rejected:
            if rejected.upstream_status != 404:
                raise
            # 404 is a team that this key may not see (contract a).
            raise ProviderForbidden(
                "xAI does not show this management key its team's billing. Give it the permission to read billing.",
                upstream_status=404,
            ) from None
        return billing.read_balance(Row(answer.body, "xAI's prepaid balance"))

    # Inference

    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to /chat/completions, /responses or /images/generations, and track the usage at the price xAI states.

        `payload["endpoint"]` names the path; without it `messages` means chat, else responses. Streaming belongs to the
        gateway: ValidationError.
        """
        self.require_sink()
        path, body = route(self.name, ENDPOINTS, payload)
        answer = self.http.post_json(path, body, _bearer(self.clean_key(api_key)), classify=classify)
        return self.track_answer(user_id, ENDPOINTS[path], answer, body.get("model"))

    def _get(self, key: str, path: str, params: Params = (), *, attempts: int | None = None) -> Answer:
        return self._management.get_json(path, params, _bearer(key), classify=classify, attempts=attempts)

    def _post(self, key: str, path: str, body: Mapping[str, Any]) -> Answer:
        return self._management.post_json(path, body, _bearer(key), classify=classify, repeatable=True)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _usage_path(team: str) -> str:
    return f"/v1/billing/teams/{quote(team, safe='')}/usage"
