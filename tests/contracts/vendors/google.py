"""Google, as the shared adapter suite needs to know it: a service account's key for reports, a Gemini key for calls."""

from typing import Any

from guardian.models.enums import Provider
from guardian.records import UsageCounts
from tests.contracts.vendors.shape import Body, Call, CostReport, Names, State, UsageReport, Vendor, set_field
from tests.fakes.google_api import GEMINI_KEY, OAUTH_KEY
from tests.fakes.google_cloud import TABLE
from tests.fakes.google_keys import PROJECT, key_file
from tests.fakes.provider_server import FakeProvider

ACCOUNT_KEY = key_file()
_SERIES = f"/v3/projects/{PROJECT}/timeSeries/publisher/online_serving/token_count"
_QUERIES = f"/bigquery/v2/projects/{PROJECT}/queries"
_NOT_ACCOUNT = r"Create a service account's key"


def _revoke(fake: FakeProvider) -> None:
    fake.google.reader.revoked = True


def _revoked(fake: FakeProvider) -> str:
    fake.google.state.keys[GEMINI_KEY].revoked = True
    return GEMINI_KEY


def _revoked_account(fake: FakeProvider) -> str:
    _revoke(fake)
    return ACCOUNT_KEY


def _blocked(fake: FakeProvider) -> str:
    fake.google.state.blocked[GEMINI_KEY] = "API_KEY_SERVICE_BLOCKED"
    return GEMINI_KEY


def _without_role(fake: FakeProvider) -> str:
    fake.google.reader.roles.remove("monitoring.viewer")
    return ACCOUNT_KEY


def _small_pages(fake: FakeProvider) -> None:
    fake.google.monitoring.page_points = 16


def _change_series(body: Body, name: str, value: Any) -> None:
    for series in body.get("timeSeries", []):
        rows = [series] if name in ("metric", "resource", "points", "note") else series["points"]
        for row in rows:
            set_field(row, name, value)


def _change_cells(body: Body, name: str, value: Any) -> None:
    """A column's cell in every row; a column that is removed, or that nobody knows, is so in the schema, too."""
    fields = body["schema"]["fields"]
    names = [field["name"] for field in fields]
    if name not in names:
        fields.append({"name": name})
        for row in body["rows"]:
            row["f"].append({"v": value})
        return
    index = names.index(name)
    if value is ...:
        del fields[index]
    for row in body["rows"]:
        if value is ...:
            del row["f"][index]
        else:
            row["f"][index]["v"] = value


def _points_apart(body: Body) -> list[Body]:
    return [{**series, "points": [point]} for series in body.get("timeSeries", []) for point in series["points"]]


GOOGLE = Vendor(
    provider=Provider.GOOGLE,
    name="Google",
    metadata=lambda _: {"projectId": PROJECT, "billingTable": TABLE, "location": "EU"},
    states={
        "good": State(lambda _: ACCOUNT_KEY, kind="admin", words="tokens of my-proj and the billing export"),
        "bad": State(_revoked, code="PROVIDER_KEY_REJECTED", words="wrong, revoked or expired"),
        "wrong kind": State(lambda _: OAUTH_KEY, code="PROVIDER_WRONG_KEY_KIND", words="not a Gemini API key"),
        "blocked": State(_blocked, code="PROVIDER_FORBIDDEN", words="restrictions do not let it"),
        "good for calls only": State(lambda _: GEMINI_KEY, kind="inference", words="needs a service account's key"),
        "revoked account": State(_revoked_account, code="PROVIDER_KEY_REJECTED", words="key of a service account"),
        "account without a role": State(_without_role, code="PROVIDER_FORBIDDEN", words="monitoring.timeSeries.list"),
    },
    call=Call(
        key=GEMINI_KEY,
        payload={"model": "gemini-3.8-flash", "contents": [{"parts": [{"text": "Hello"}]}]},
        path="/v1beta/models/gemini-3.8-flash:generateContent",
        model="gemini-3.8-flash",
        # 1000 of the prompt and 7 of tool use are input, 20 of the candidate and 30 of thought are output
        counts=UsageCounts(
            input_tokens=1007, output_tokens=50, cache_read_tokens=400, image_input_tokens=100, reasoning_tokens=30
        ),
        response_id="abc123",
        usage_field="usageMetadata",
    ),
    usage=UsageReport(
        key=ACCOUNT_KEY,
        report="vertex",
        path=_SERIES,
        plant=lambda fake, at, uncached, output, key: fake.google.monitoring.plant(at, uncached, output, key),
        restate=lambda fake, row, output: fake.google.monitoring.series.restate(row, output=output),
        delete=lambda fake, row: fake.google.monitoring.series.delete(row),
        clear=lambda fake: fake.google.monitoring.series.clear(),
        revoke=_revoke,
        # Google's metrics do not tell keys apart, but models.
        key_of=lambda record: record.model,
        change=_change_series,
        required=("resource", "metric", "points", "interval", "interval.endTime", "value", "value.int64Value"),
        count_field="value.int64Value",
        wrong_key=GEMINI_KEY,
        wrong_key_words=_NOT_ACCOUNT,
        page_param="pageToken",
        not_counts=("x", True, -1, 1.5, float("nan"), float("inf"), 2**63, [], {}),
        small_pages=_small_pages,
        pieces=_points_apart,
        page=lambda pieces, token: {"timeSeries": pieces, "nextPageToken": token or ""},
    ),
    costs=CostReport(
        key=ACCOUNT_KEY,
        path=_QUERIES,
        plant=lambda fake, at, dollars, line: fake.google.bigquery.plant(at, dollars, line),
        change=_change_cells,
        required=("day", "amount", "currency"),
        wrong_key=GEMINI_KEY,
        wrong_key_words=_NOT_ACCOUNT,
    ),
    names=Names(key=ACCOUNT_KEY, path=_QUERIES, api="google", revoke=_revoke, others=False),
)
