"""Time series of the fake Cloud Monitoring: planted points, aligned and grouped as the query says."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from tests.fakes.reporting import Refused, Reply, example, items, one, position, token

VERTEX = "aiplatform.googleapis.com/publisher/online_serving"
TOKENS, CALLS = f"{VERTEX}/token_count", f"{VERTEX}/model_invocation_count"
QUOTA = "generativelanguage.googleapis.com/quota/generate_content"
_RESOURCE = ("resource_container", "location", "publisher", "model_user_id", "model_version_id")
_METRIC = {
    TOKENS: ("type", "modality", "request_type", "shared_request_type", "max_token_size", "source"),
    CALLS: ("response_code", "request_type", "shared_request_type", "method"),
}
_QUOTA_METRIC = ("limit_name", "model", "method")
_KNOWN = {
    "filter",
    "interval.startTime",
    "interval.endTime",
    "aggregation.alignmentPeriod",
    "aggregation.perSeriesAligner",
    "aggregation.crossSeriesReducer",
    "aggregation.groupByFields",
    "view",
    "pageSize",
    "pageToken",
}
_FILTER = re.compile(r'metric\.type="([^"]+)" AND project="([^"]+)"')


def refuse(status: int, message: str) -> Refused:
    state = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[status]
    return Refused(Reply({"error": {"code": status, "message": message, "status": state}}, status))


class Series:
    """Planted points; safe to change while served."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._points: list[dict[str, Any]] = []

    def plant(self, at: int, metric: str, model: str, counts: Mapping[str, int], **labels: str) -> dict[str, Any]:
        """Points at `at`, one per `type` of `counts` ("" for a metric without); labels by their own names."""
        name = "model" if metric.startswith(QUOTA) else "model_user_id"
        base = {
            name: model,
            "location": "global",
            "publisher": "google",
            "request_type": "shared",
            "project": "my-proj",
        }
        handle = {
            "points": [{"at": at, "metric": metric, **base, "type": t, **labels, "n": n} for t, n in counts.items()]
        }
        with self.lock:
            self._points += handle["points"]
        return handle

    def restate(self, handle: dict[str, Any], **counts: int) -> None:
        with self.lock:
            for point in handle["points"]:
                point["n"] = counts.get(point["type"], point["n"])

    def delete(self, handle: dict[str, Any]) -> None:
        with self.lock:
            self._points = [p for p in self._points if not any(p is gone for gone in handle["points"])]

    def clear(self) -> None:
        with self.lock:
            self._points.clear()

    def of(self, metric: str, project: str) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(p) for p in self._points if p["metric"] == metric and p["project"] == project]


def plant_examples(series: Series, first_day: datetime | None) -> None:
    """The example's two daily points, each put into the first hour of its day."""
    for found in example("google/monitoring_vertex_token_count")["timeSeries"]:
        labels = found["metric"]["labels"] | found["resource"]["labels"]
        model, kind = labels.pop("model_user_id"), labels.pop("type")
        for point in found["points"]:
            at = int((first_day or datetime.fromisoformat(point["interval"]["startTime"])).timestamp())
            series.plant(at, TOKENS, model, {kind: int(point["value"]["int64Value"])}, **labels)


def time_series(
    series: Series,
    path: str,
    query: list[tuple[str, str]],
    *,
    page_points: int,
    missing: Iterable[str],
    latest: float | None,
) -> dict[str, Any]:
    """The body of projects.timeSeries.list. Raises Refused where the real API refuses."""
    _check(query)
    found = re.fullmatch(r"/v3/projects/([\w-]+)/timeSeries", path)
    asked = _FILTER.fullmatch(one(query, "filter") or "")
    if not found or not asked:
        raise refuse(400, "The filter must restrict the query to one metric type and project.")
    metric = asked[1]
    planted = series.of(metric, asked[2])
    if metric not in (TOKENS, CALLS) and not planted:
        raise refuse(404, f'Cannot find metric(s) that match type = "{metric}".')
    groups = _groups(query, metric, set(missing))
    start, end = (_unix(one(query, f"interval.{name}Time") or "") for name in ("start", "end"))
    if end <= start or (latest is not None and end > latest):
        raise refuse(
            400, "Field interval.endTime had an invalid value: the interval must end after it starts, in the past."
        )
    width = int((one(query, "aggregation.alignmentPeriod") or "0s").removesuffix("s"))
    if width < 60:
        raise refuse(400, "Field aggregation.alignmentPeriod had an invalid value.")
    sums: dict[tuple[str, ...], dict[int, int]] = {}
    for point in planted:
        if start <= point["at"] < end:
            labels = tuple(str(point.get(name.rpartition(".")[2], "")) for name in groups)
            # Periods are counted back from the end of the interval.
            until = end - (end - point["at"] - 1) // width * width
            into = sums.setdefault(labels, {})
            into[until] = into.get(until, 0) + point["n"]
    return _page(query, metric, groups, sums, width, min(page_points, int(one(query, "pageSize") or 100)))


def _check(query: list[tuple[str, str]]) -> None:
    for name, _ in query:
        if name not in _KNOWN:
            raise refuse(400, f"Invalid JSON payload received. Unknown name '{name}': Cannot bind query parameter.")
    wanted = {
        "aggregation.perSeriesAligner": "ALIGN_SUM",
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
        "view": "FULL",
    }
    for name, value in wanted.items():
        if one(query, name) != value:
            raise refuse(400, f"Field {name} had an invalid value.")
    if not 1 <= int(one(query, "pageSize") or 100) <= 100_000:
        raise refuse(400, "Field pageSize had an invalid value.")


def _groups(query: list[tuple[str, str]], metric: str, missing: set[str]) -> list[str]:
    groups = items(query, "aggregation.groupByFields")
    known = {f"metric.label.{name}" for name in _METRIC.get(metric, _QUOTA_METRIC)}
    known |= {f"resource.label.{name}" for name in (_RESOURCE if metric in _METRIC else ("location",))}
    for name in groups:
        if name not in known or name in missing:
            raise refuse(400, f"Field aggregation.groupByFields had an invalid value of '{name}'.")
    return groups


def _page(
    query: list[tuple[str, str]],
    metric: str,
    groups: list[str],
    sums: dict[tuple[str, ...], dict[int, int]],
    width: int,
    limit: int,
) -> dict[str, Any]:
    flat = [(labels, until, n) for labels, points in sorted(sums.items()) for until, n in sorted(points.items())]
    plain = [(n, v) for n, v in query if n != "pageToken"]
    asked = one(query, "pageToken")
    begin = position(plain, asked, lambda why: refuse(400, why))
    body: dict[str, Any] = {}
    for labels, until, n in flat[begin : begin + limit]:
        found = body.setdefault("timeSeries", [])
        if not found or found[-1]["_labels"] != labels:
            found.append(_series(metric, groups, labels) | {"_labels": labels})
        interval = {"startTime": _text(until - width), "endTime": _text(until)}
        # The newest point comes first, and 64-bit integers are text.
        found[-1]["points"].insert(0, {"interval": interval, "value": {"int64Value": str(n)}})
    for each in body.get("timeSeries", []):
        del each["_labels"]
    if begin + limit < len(flat):
        body["nextPageToken"] = token(plain, begin + limit)
    return body


def _series(metric: str, groups: list[str], labels: tuple[str, ...]) -> dict[str, Any]:
    named = {"metric": {}, "resource": {}}
    for name, value in zip(groups, labels, strict=True):
        kind, _, label = name.split(".")
        if value:
            named[kind][label] = value
    resource = (
        "aiplatform.googleapis.com/PublisherModel"
        if metric in _METRIC
        else "generativelanguage.googleapis.com/Location"
    )
    return {
        "metric": {"type": metric, "labels": named["metric"]},
        "resource": {"type": f"{metric.partition('/')[0]}/{resource}", "labels": named["resource"]},
        "metricKind": "DELTA",
        "valueType": "INT64",
        "points": [],
    }


def _unix(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise refuse(400, "Field interval had an invalid value.") from None


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
