"""A fake of Google Cloud as far as reports need it: OAuth's token endpoint, Cloud Monitoring and BigQuery."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tests.fakes.google_bigquery import ExportRow, execute
from tests.fakes.google_keys import DATA, JOBS, MONITORING, PROJECT, Account, public_pem
from tests.fakes.google_monitoring import TOKENS, Series, time_series
from tests.fakes.reporting import Api, Key, Refused, Reply, example, one

TABLE = "my-proj.billing.gcp_billing_export_v1_01AB23_CD45EF_678901"
BILLING_ACCOUNT = "01AB23-CD45EF-678901"

_AUDIENCE = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_READ_METRICS, _QUERY = "https://www.googleapis.com/auth/monitoring.read", "https://www.googleapis.com/auth/bigquery"


def refusal(status: int, message: str, state: str, **details: Any) -> Refused:
    return Refused(Reply({"error": {"code": status, "message": message, "status": state, **details}}, status))


def info(reason: str) -> dict[str, Any]:
    """The details of an error that name its reason."""
    return {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": {}}]}


@dataclass
class State:
    """What all hosts share; everything may be changed by a test at any time."""

    keys: dict[str, Key] = field(default_factory=dict[str, Key])
    accounts: dict[str, Account] = field(default_factory=dict[str, Account])
    tokens: dict[str, tuple[str, float, set[str]]] = field(default_factory=dict[str, tuple[str, float, set[str]]])
    # Reasons for which a Gemini key is refused by :countTokens and :generateContent, though it may list models.
    blocked: dict[str, str] = field(default_factory=dict[str, str])
    now: Any = time.time


class OAuthFake(Api):
    """The token endpoint: believes an assertion only after verifying its signature and every claim."""

    setting = "google_oauth_token_url"
    root = "/token"

    def __init__(self, state: State) -> None:
        self._state = state

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        if method != "POST" or path or not body or body.get("grant_type") != _GRANT:
            raise self._refuse("unsupported_grant_type", f"Invalid grant_type: {(body or {}).get('grant_type')}")
        email, scope = self._verify(str(body.get("assertion")))
        token = f"ya29.{uuid.uuid4().hex}"
        self._state.tokens[token] = email, self._state.now() + 3599, set(scope.split())
        return Reply({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _verify(self, assertion: str) -> tuple[str, str]:
        for email, account in self._state.accounts.items():
            try:
                token = jwt.decode(assertion, RSAKey.import_key(public_pem(account.key)), algorithms=["RS256"])
            except (JoseError, ValueError):
                continue
            claims, now = token.claims, self._state.now()
            if claims.get("iss") != email or not token.header.get("kid") or account.revoked:
                break
            if claims.get("aud") != _AUDIENCE:
                raise self._refuse("invalid_grant", "The audience in ID Token does not match the expected audience.")
            if not now - 300 <= claims["iat"] <= now + 5 or not 0 < claims["exp"] - claims["iat"] <= 3600:
                raise self._refuse("invalid_grant", "Token must be a short-lived token and in a reasonable timeframe.")
            return email, str(claims["scope"])
        raise self._refuse("invalid_grant", "Invalid JWT Signature.")

    @staticmethod
    def _refuse(error: str, why: str) -> Refused:
        return Refused(Reply({"error": error, "error_description": why}, 400))


class CloudFake(Api):
    """What Cloud Monitoring and BigQuery ask of whoever comes."""

    page_param = "pageToken"

    def __init__(self, state: State) -> None:
        self._state = state

    def _authorize(self, headers: dict[str, str], scope: str) -> Account:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        email, expires, scopes = self._state.tokens.get(token, ("", 0.0, set[str]()))
        account = self._state.accounts.get(email)
        if account is None or account.revoked or expires < self._state.now() or "x-goog-api-key" in headers:
            body = example("google/error_401_token_type")
            body["error"]["details"][0]["reason"] = "ACCESS_TOKEN_EXPIRED"
            raise Refused(Reply(body, 401))
        if scope not in scopes:
            raise refusal(403, "Insufficient scopes.", "PERMISSION_DENIED", **info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"))
        return account


class MonitoringFake(CloudFake):
    """Cloud Monitoring's time series."""

    setting = "google_monitoring_base_url"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.series = Series()
        self.page_points = 100_000
        self.refuses_future_end = False
        self.missing_labels: set[str] = set()

    def plant(self, at: int, uncached: int, output: int, model: str, **labels: str) -> dict[str, Any]:
        """An input and an output point of a Gemini model on Vertex AI; the handle for Series.restate and delete."""
        return self.series.plant(at, TOKENS, model, {"input": uncached, "output": output}, **labels)

    def known_as(self, path: str, query: list[tuple[str, str]]) -> str:
        metric = (one(query, "filter") or "").partition('metric.type="')[2].partition('"')[0]
        return f"{path}/{metric.rpartition('.googleapis.com/')[2]}"

    def lead_on(self, body: dict[str, Any], page: str) -> None:
        body["nextPageToken"] = page

    def follower(self, body: Mapping[str, Any]) -> str | None:
        return body.get("nextPageToken") or None

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        account = self._authorize(headers, _READ_METRICS)
        if MONITORING not in account.roles:
            raise Refused(Reply(example("google/error_403"), 403))
        return Reply(
            time_series(
                self.series,
                path,
                query,
                page_points=self.page_points,
                missing=self.missing_labels,
                latest=self._state.now() if self.refuses_future_end else None,
            )
        )


class BigQueryFake(CloudFake):
    """The billing export and the queries about it. A query is not ready before it was waited for `waits` times."""

    setting = "google_bigquery_base_url"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.rows: list[ExportRow] = []
        self.page_rows = 10_000
        self.waits = 0
        self.is_view = False
        self.jobs: dict[str, tuple[int, dict[str, Any]]] = {}

    def load_examples(self, first_day: datetime | None = None) -> None:
        shift = int((first_day or datetime.fromisoformat("2026-11-01T00:00:00Z")).timestamp()) - 1793491200
        self.rows += [ExportRow.of(row, shift) for row in example("google/bigquery_billing_export_rows")]

    def plant(self, at: int, cost: Any, description: str, **values: Any) -> ExportRow:
        """A row of the export; `cost` in its currency."""
        row = ExportRow(at, Decimal(str(cost)), description, **values)
        self.rows.append(row)
        return row

    def lead_on(self, body: dict[str, Any], page: str) -> None:
        body["pageToken"] = page

    def follower(self, body: Mapping[str, Any]) -> str | None:
        return body.get("pageToken") or None

    def known_as(self, path: str, query: list[tuple[str, str]]) -> str:
        """All requests of one query by one name, whatever its job's."""
        return path.partition("/queries")[0] + "/queries"

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        account = self._authorize(headers, _QUERY)
        for role, permission in ((JOBS, "bigquery.jobs.create"), (DATA, "bigquery.tables.getData")):
            if role not in account.roles:
                errors = [{"reason": "accessDenied", "message": permission}]
                raise refusal(403, f"Access Denied: {permission}", "PERMISSION_DENIED", errors=errors)
        if method == "POST":
            return Reply(self._begin(path, body or {}))
        job = path.rpartition("/")[2]
        if job not in self.jobs:
            raise refusal(404, f"Not found: Job {job}", "NOT_FOUND", errors=[{"reason": "notFound"}])
        return Reply(self._result(job, one(query, "pageToken")))

    def _begin(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path != f"/bigquery/v2/projects/{PROJECT}/queries":
            raise refusal(404, f"Not found: Project of {path}", "NOT_FOUND", errors=[{"reason": "notFound"}])
        result = execute(self.rows, body, table=TABLE, is_view=self.is_view)
        if body.get("dryRun"):
            return {"jobComplete": True, "totalBytesProcessed": "1024", "jobReference": {"projectId": PROJECT}}
        job = f"job_{uuid.uuid4().hex}"
        self.jobs[job] = self.waits, result
        return self._result(job, None)

    def _result(self, job: str, page: str | None) -> dict[str, Any]:
        waits, result = self.jobs[job]
        reference = {"projectId": PROJECT, "jobId": job, "location": "EU"}
        if waits:
            self.jobs[job] = waits - 1, result
            return {"jobComplete": False, "jobReference": reference}
        begin = int((page or "rows_0").removeprefix("rows_"))
        rows = result["rows"][begin : begin + self.page_rows]
        found = {
            "kind": "bigquery#queryResponse",
            "schema": result["schema"],
            "jobReference": reference,
            "totalRows": str(len(result["rows"])),
            "jobComplete": True,
        }
        # BigQuery leaves `rows` out where there are none.
        found |= {"rows": rows} if rows else {}
        more = begin + self.page_rows < len(result["rows"])
        return found | ({"pageToken": f"rows_{begin + self.page_rows}"} if more else {})
