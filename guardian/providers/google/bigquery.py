"""Queries of BigQuery over its REST API: asked once, waited for, read page by page, every value from its text."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guardian.errors import ProviderContractBroken, ProviderUnavailable
from guardian.providers.failures import Answer
from guardian.providers.google.keys import Places
from guardian.providers.google.monitoring import names_more, next_token
from guardian.providers.http.client import Params
from guardian.providers.reports.paging import walk
from guardian.providers.reports.reading import Row

_PAGE_ROWS = 10_000
_MOST_PAGES = 200
_WAIT_MS = 10_000  # how long BigQuery may hold one request; less than PROVIDER_TIMEOUT_SECONDS by default
_MOST_WAITS = 30
_SIZE = (("maxResults", str(_PAGE_ROWS)), ("timeoutMs", str(_WAIT_MS)))

Parameters = Sequence[Mapping[str, Any]]


class Ask(Protocol):
    """Sends a request to BigQuery as the key's service account: a POST where there is a body."""

    def __call__(self, path: str, params: Params, body: Mapping[str, Any] | None, /) -> Answer: ...


def query(ask: Ask, places: Places, sql: str, parameters: Parameters, where: str) -> list[Row]:
    """The rows of a standard SQL query whose rows differ, each an object by column name, its values texts or null.

    A row that comes twice, on a repeated page, counts once.
    Raises ProviderError; ProviderContractBroken for an answer whose rows and columns do not fit.
    """
    path = f"/bigquery/v2/projects/{places.projects[0]}/queries"
    # Without an id of its own a repeated request would run, and bill, the query twice.
    body = _body(places, sql, parameters) | {"requestId": str(uuid.uuid4())}
    answer = _complete(ask, path, ask(path, (), body), where)
    job, located = _job(answer, where)

    def fetch(page: str | None) -> Answer:
        return answer if page is None else ask(f"{path}/{job}", [*located, *_SIZE, ("pageToken", page)], None)

    token = "pageToken"  # noqa: S105  # the name of a field
    pages = walk(fetch, where, most=_MOST_PAGES, follow=next_token(token), more=names_more(token), items="rows")
    columns: list[str] = []
    found: dict[str, Row] = {}
    for page in pages:
        columns = columns or [field.text("name") for field in page.child("schema").rows("fields")]
        for row in page.rows("rows") if page.raw.get("rows") is not None else []:
            named = _named(row, columns)
            found[repr(named.raw)] = named
    return list(found.values())


def dry_run(ask: Ask, places: Places, sql: str, parameters: Parameters, _where: str) -> list[Row]:
    """Have a query checked, permissions included, without running it: free, and without rows. Raises ProviderError."""
    body = _body(places, sql, parameters) | {"dryRun": True}
    ask(f"/bigquery/v2/projects/{places.projects[0]}/queries", (), body)
    return []


def timestamp(name: str, value: str) -> dict[str, Any]:
    """A query parameter; `value` is RFC 3339."""
    return {"name": name, "parameterType": {"type": "TIMESTAMP"}, "parameterValue": {"value": value}}


def strings(name: str, values: Sequence[str]) -> dict[str, Any]:
    """A query parameter that is an array of texts."""
    return {
        "name": name,
        "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
        "parameterValue": {"arrayValues": [{"value": value} for value in values]},
    }


def _body(places: Places, sql: str, parameters: Parameters) -> dict[str, Any]:
    body: dict[str, Any] = {
        "query": sql,
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": list(parameters),
        "timeoutMs": _WAIT_MS,
        "maxResults": _PAGE_ROWS,
    }
    return body | ({"location": places.location} if places.location else {})


def _complete(ask: Ask, path: str, answer: Answer, where: str) -> Answer:
    """The first answer that has the rows: BigQuery answers with jobComplete false while the query runs."""
    for _ in range(_MOST_WAITS):
        if Row(answer.body, where).flag("jobComplete"):
            return answer
        job, params = _job(answer, where)
        answer = ask(f"{path}/{job}", [*params, *_SIZE], None)
    raise ProviderUnavailable(
        f"{where} was not ready after {_MOST_WAITS} waits of {_WAIT_MS // 1000} seconds; this usually passes by itself."
    )


def _job(answer: Answer, where: str) -> tuple[str, Params]:
    """The job's id, and the location without which jobs outside of US and EU are not found."""
    reference = Row(answer.body, where).child("jobReference")
    location = reference.maybe_text("location")
    return reference.text("jobId"), [("location", location)] if location else []


def _named(row: Row, columns: Sequence[str]) -> Row:
    cells = row.rows("f")
    if len(cells) != len(columns):
        raise ProviderContractBroken(f"{row.where} has a row of {len(cells)} values for {len(columns)} columns.")
    return Row({name: cell.raw.get("v") for name, cell in zip(columns, cells, strict=True)}, row.where)
