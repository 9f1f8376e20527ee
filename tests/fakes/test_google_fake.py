"""The fake Google must be as strict as the contract, or the tests that use it prove nothing."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from guardian.providers.google.costs import lines_sql
from tests.fakes.google_api import GEMINI_KEY
from tests.fakes.google_cloud import TABLE
from tests.fakes.google_keys import PROJECT, pem
from tests.fakes.google_monitoring import TOKENS
from tests.fakes.provider_server import FakeProvider

SCOPE = "https://www.googleapis.com/auth/bigquery https://www.googleapis.com/auth/monitoring.read"
CLAIMS = {"iss": f"reader@{PROJECT}.iam.gserviceaccount.com", "aud": "https://oauth2.googleapis.com/token"}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def running() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


def exchange(
    fake: FakeProvider, key: str = "reader", grant: str = GRANT, iat: int = 0, exp: int = 3600, **claims: Any
) -> httpx.Response:
    """`iat` and `exp` in seconds from now."""
    now = int(time.time())
    told = CLAIMS | {"iat": now + iat, "exp": now + exp, "scope": SCOPE} | claims
    assertion = jwt.encode({"alg": "RS256", "kid": "k"}, told, RSAKey.import_key(pem(key)))
    return httpx.post(fake.url("google-oauth"), data={"grant_type": grant, "assertion": assertion})


def bearer(fake: FakeProvider, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {exchange(fake, **claims).json()['access_token']}"}


def test_a_sound_assertion_is_exchanged(running: FakeProvider) -> None:
    answer = exchange(running)
    assert (answer.status_code, answer.json()["token_type"], answer.json()["expires_in"]) == (200, "Bearer", 3599)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "stranger"},
        {"grant": "authorization_code"},
        {"aud": "https://example.com/token"},
        {"iss": "other@example.com"},
        {"exp": 7200},
        {"iat": 600, "exp": 700},
        {"iat": -7200, "exp": -3600},
    ],
    ids=str,
)
def test_any_other_assertion_is_refused(running: FakeProvider, change: dict[str, Any]) -> None:
    assert exchange(running, **change).status_code == 400


def test_a_revoked_account_gets_no_token_and_can_use_none(running: FakeProvider) -> None:
    headers = bearer(running)
    running.google.reader.revoked = True
    assert exchange(running).status_code == 400
    assert series(running, headers).status_code == 401


def series(fake: FakeProvider, headers: dict[str, str], **changes: Any) -> httpx.Response:
    query = {
        "filter": f'metric.type="{TOKENS}" AND project="{PROJECT}"',
        "interval.startTime": "2026-11-01T00:00:00Z",
        "interval.endTime": "2026-11-02T00:00:00Z",
        "aggregation.alignmentPeriod": "3600s",
        "aggregation.perSeriesAligner": "ALIGN_SUM",
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
        "aggregation.groupByFields": "metric.label.type",
        "view": "FULL",
        "pageSize": "100",
    }
    wanted = {name: value for name, value in (query | changes).items() if value is not None}
    return httpx.get(
        f"{fake.url('google-monitoring')}/v3/projects/{PROJECT}/timeSeries", params=wanted, headers=headers
    )


@pytest.mark.parametrize(
    "change",
    [
        {"filter": f'metric.type="{TOKENS}"'},
        {"interval.startTime": "yesterday"},
        {"interval.endTime": "2026-11-01T00:00:00Z"},
        {"aggregation.alignmentPeriod": "1s"},
        {"aggregation.perSeriesAligner": "ALIGN_MEAN"},
        {"aggregation.crossSeriesReducer": None},
        {"aggregation.groupByFields": "metric.label.api_key"},
        {"view": "HEADERS"},
        {"pageSize": "100001"},
        {"pageToken": "page_nonsense"},
        {"typo": "1"},
    ],
    ids=str,
)
def test_monitoring_refuses_what_the_contract_refuses(running: FakeProvider, change: dict[str, Any]) -> None:
    headers = bearer(running)
    assert series(running, headers).status_code == 200
    assert series(running, headers, **change).status_code == 400


def test_monitoring_wants_a_token_of_the_right_scope_and_nothing_besides(running: FakeProvider) -> None:
    assert series(running, {}).status_code == 401
    assert series(running, bearer(running) | {"x-goog-api-key": GEMINI_KEY}).status_code == 401
    assert series(running, bearer(running, scope="https://www.googleapis.com/auth/bigquery")).status_code == 403


def test_periods_are_counted_back_from_the_end(running: FakeProvider) -> None:
    running.google.monitoring.plant(1793491200, 5, 1, "m")  # 2026-11-01T00:00:00Z
    running.google.monitoring.plant(1793491200 + 3599, 7, 1, "m")
    found = series(running, bearer(running), **{"interval.startTime": "2026-11-01T00:00:00Z"}).json()["timeSeries"]
    (point,) = next(s["points"] for s in found if s["metric"]["labels"]["type"] == "input")
    assert point == {
        "interval": {"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-01T01:00:00Z"},
        "value": {"int64Value": "12"},
    }


def ask(fake: FakeProvider, **changes: Any) -> httpx.Response:
    names = {"services": ["C7E2-9256-1C43"]}
    parameters = [
        {
            "name": name,
            "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
            "parameterValue": {"arrayValues": [{"value": value} for value in values]},
        }
        for name, values in names.items()
    ]
    parameters += [
        {"name": n, "parameterType": {"type": "TIMESTAMP"}, "parameterValue": {"value": f"2026-11-0{d}T00:00:00Z"}}
        for n, d in (("start", 1), ("end", 2))
    ]
    body = {
        "query": lines_sql(TABLE),
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": parameters,
    }
    url = f"{fake.url('google-bigquery')}/bigquery/v2/projects/{PROJECT}/queries"
    return httpx.post(url, json=body | changes, headers=bearer(fake))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"query": lines_sql("my-proj.billing.other")}, 404),
        ({"query": lines_sql(TABLE).replace("usage_start_time >= @start", "TRUE")}, 400),
        ({"query": lines_sql(TABLE).replace("GROUP BY 1, 2,", "GROUP BY 1,")}, 400),
        ({"query": lines_sql(TABLE).replace("sku.id", "sku.uid")}, 400),
        ({"query": f"DELETE FROM `{TABLE}` WHERE TRUE"}, 400),
        ({"useLegacySql": True}, 400),
        ({"parameterMode": "POSITIONAL"}, 400),
        ({"typo": 1}, 400),
    ],
    ids=str,
)
def test_bigquery_refuses_what_it_would_refuse(running: FakeProvider, change: dict[str, Any], status: int) -> None:
    assert ask(running, **change).status_code == status


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"x-goog-api-key": GEMINI_KEY}, 200),
        (f"?key={GEMINI_KEY}", {}, 400),
        ("", {"x-goog-api-key": GEMINI_KEY, "authorization": "Bearer x"}, 400),
        ("", {"x-goog-api-key": "nonsense"}, 400),
        ("", {}, 400),
    ],
    ids=str,
)
def test_the_gemini_api_wants_one_credential_in_a_header(
    running: FakeProvider, query: str, headers: dict[str, str], status: int
) -> None:
    assert httpx.get(f"{running.url('google')}/v1beta/models{query}", headers=headers).status_code == status
