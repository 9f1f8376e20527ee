"""Reports: what a period has cost, why, and what comes next; kept as one dict that the page, the PDF and mails show.

`Report.content`, as JSON; every amount is exact dollars as text ("1234.5678"), every percentage a text of at most one
place ("12.5"), times are RFC 3339 in UTC, days are dates of the organization's zone. Nothing that shows it counts or
sums by itself, so that the same numbers stand everywhere; words.py writes them for people.

    version       1
    title         "Week of 16 to 22 November 2026"
    headline      one sentence: "AI provider spend was $312.40, 18 % more than the week before: more calls, mostly …"
    organization  its name
    scope         {type: "organization" | "team", value: null | team, name: "the whole organization" | "team web"}
    book          "spend", or "tracked" of a team: providers' reports know no teams, so that its figures are of tracked
                  calls alone, whether these count as spend or the reports of the same hours do
    kind          "weekly" | "monthly" | "custom"
    timeZone      IANA name
    period        {start, end, first, last, label: "16 to 22 November 2026"}; `last` is its last day; of a period that
                  is not over, `end` is when the report was made
    previous      the same of the period before; one that is not over is compared with as long a time
    madeAt, asOf  when it was made; until when the providers' reports had been pulled, or null
    spend         {total, previous (null: not known), change, percent (both null without a previous), estimated,
                  requests (null: no report counts the calls), inputTokens, outputTokens, cacheReadTokens, unpricedRows,
                  unpricedTokens (numbers)}
    days          [{day, cost, previous}]: each day beside the one in its place of the period before (null: none)
    causes        [{part, label, amount, share}]: the parts of the change, largest first; their amounts add up to
                  `spend.change` exactly. `part` is volume, mix, tokens, cache, price or retries; `share` in percent,
                  or null where causes cancel out so far that it says nothing
    movers        [{dimension: "model"|"team"|"user"|"apiKey"|"project", value, name, before, after, change, percent,
                  causes: [as above, at most two]}]: at most three of each dimension, the largest change first.
                  Teams and users are told of tracked calls, as above
    models        [{value: "OPENAI/gpt-5", name, cost, share, requests}]: the ten that cost most; teams likewise, of
                  tracked calls and without requests, `share` of all tracked calls
    forecast      null, or {first, last, label: "November 2026", spent, total, low, high, method, error (percent, or
                  null), trials}: of the month in which the period ends, or of the next one when it ends with its month
    budgets       [{id, name, scope, limit, spent, percent, state: ok|near|over|paused, forecast, low, high (or null),
                  startsAt, resetsAt}]: as they stood when the period ended
    anomalies     [{start, end, value, expected, excess, sentence}]: hours above what is usual by 1 % of the total or
                  more, the greatest first
    reconciliation  null (of a team, or where there is only one book), or {first, last (UTC days), tracked, reported,
                  billed, coverage, drift (percent; each may be null), findings: [{amount, sentence}]}
    savings       [{kind: "cache"|"batch"|"models", amount, sentence}]: what the same usage would have cost more, had it
                  been done the other way. Counterfactuals by prices: no part of spend, and in none of its sums
"""

from guardian.services.guard.reports.making import (
    fail,
    fill,
    organizations,
    queue_due,
    request_report,
    resume_reports,
    take_up,
)
from guardian.services.guard.reports.reading import file_name, get_report, list_reports, report_pdf
from guardian.services.guard.reports.sending import tell
from guardian.services.guard.reports.views import ReportView

__all__ = [
    "ReportView",
    "fail",
    "file_name",
    "fill",
    "get_report",
    "list_reports",
    "organizations",
    "queue_due",
    "report_pdf",
    "request_report",
    "resume_reports",
    "take_up",
    "tell",
]
