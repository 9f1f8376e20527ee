"""Alerts in plain words: every type and comparison reads as a sentence, with nothing left of its pattern."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from guardian.models.enums import AlertType, ComparisonType, NoDataRule
from guardian.services.guard.alerts import METRICS, Rule, happened, metric_of, sentence_of
from guardian.services.guard.alerts.metrics import TAG
from guardian.services.guard.alerts.wording import listed, minutes
from guardian.services.guard.budgets import Scope

TELLS = ("ada@acme.test by e-mail",)


def rule(kind: AlertType = AlertType.COST_THRESHOLD, metric: str | None = None, **fields: Any) -> Rule:
    given = {"comparison": ComparisonType.GREATER_THAN, "threshold": Decimal(50), "tells": TELLS, **fields}
    return Rule(type=kind, metric=metric_of(kind, metric), **given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (rule(), "Tell ada@acme.test by e-mail when AI provider spend is above $50.00 in 24 hours."),
        (
            rule(scope=Scope("team", "web"), scope_name="web", group_by="model", window="day", tells=()),
            "Show here, and tell nobody, when AI provider spend of team web is above $50.00 in a calendar day, "
            "for each model by itself.",
        ),
        (
            rule(
                comparison=ComparisonType.PERCENT_CHANGE,
                threshold=Decimal(-20),
                window="7d",
                min_requests=1000,
                pending_minutes=90,
                renotify_minutes=240,
                no_data=NoDataRule.NOTIFY,
                tells=("ada@acme.test by e-mail", "#ops by Slack"),
            ),
            "Tell ada@acme.test by e-mail and #ops by Slack when AI provider spend in 7 days falls by 20\u00a0% or "
            "more against the 7 days before, if there are at least 1,000 calls, and it stays so for 90 minutes. "
            "Tell again every 4 hours while it lasts. Also tell when there is no data.",
        ),
        (
            rule(AlertType.USAGE_SPIKE, "requests", threshold=Decimal(-50), comparison=ComparisonType.LESS_THAN),
            "Tell ada@acme.test by e-mail when the number of calls in 24 hours is more than 50\u00a0% below what is "
            "usual at that hour of the week.",
        ),
        (
            rule(AlertType.ERROR_RATE, threshold=Decimal(5), recover_threshold=Decimal("2.5"), window="15m"),
            "Tell ada@acme.test by e-mail when the share of calls that fail is above 5\u00a0% in 15 minutes. "
            "It is over once it is back at 2.5\u00a0%.",
        ),
        (
            rule(AlertType.BUDGET_EXCEEDED, threshold=Decimal(100)),
            "Tell ada@acme.test by e-mail when AI provider spend of a budget reaches one of the budget's thresholds, "
            "or 100\u00a0% of it where it has none.",
        ),
    ],
)
def test_a_rule_is_a_sentence(given: Rule, sentence: str) -> None:
    assert sentence_of(given) == sentence


@pytest.mark.parametrize(
    ("given", "group", "value", "more", "sentence"),
    [
        (
            rule(scope=Scope("team", "web"), scope_name="web", threshold=Decimal(250)),
            "",
            "312.4",
            {},
            "AI provider spend of team web was $312.40 in the last 24 hours, above $250.00.",
        ),
        (
            rule(group_by="model", scope=Scope("team", "web"), scope_name="web"),
            "gpt-5",
            "0.0042",
            {"recovered": True},
            "AI provider spend of model gpt-5 (team web) was $0.0042 in the last 24 hours, no longer above $50.00.",
        ),
        (
            rule(AlertType.USAGE_SPIKE, "cost"),
            "",
            "81.25",
            {},
            "AI provider spend was 81.3\u00a0% above what is usual at this hour of the week in the last 24 hours, "
            "more than 50\u00a0% above.",
        ),
        (
            rule(AlertType.BUDGET_EXCEEDED, threshold=Decimal(100)),
            "Web",
            "83",
            {"threshold": Decimal(80)},
            "AI provider spend has reached 83\u00a0% of the budget Web, past 80\u00a0%.",
        ),
        (
            rule(AlertType.ERROR_RATE, group_by="key"),
            "prod",
            None,
            {},
            "There is no data on the share of calls of key prod that fail in the last 24 hours, so that this alert "
            "cannot tell.",
        ),
        (
            rule(comparison=ComparisonType.PERCENT_CHANGE, threshold=Decimal(30), window="week"),
            "",
            "42",
            {},
            "AI provider spend rose by 42\u00a0% this week against the week before, 30\u00a0% or more.",
        ),
    ],
)
def test_what_happened_is_a_sentence(given: Rule, group: str, value: str | None, more: Any, sentence: str) -> None:
    assert happened(given, group, None if value is None else Decimal(value), given.window, **more) == sentence


def test_every_rule_that_can_be_made_has_words() -> None:
    for kind, metrics in METRICS.items():
        for metric in metrics.values():
            windows, groups = (
                metric.windows or ("1d",),
                (None, *(f"{each}feature" if each == TAG else each for each in metric.groups)),
            )
            for comparison, window, group in product(metric.comparisons, windows, groups):
                for threshold in (Decimal(7), Decimal(-7)):
                    made = rule(
                        kind, metric.name, comparison=comparison, threshold=threshold, window=window, group_by=group
                    )
                    for said in (
                        sentence_of(made),
                        happened(made, "x", Decimal(8), window),
                        happened(made, "", None, window),
                    ):
                        assert said.endswith("."), said
                        assert "{" not in said, said
                        assert "  " not in said, said
                        assert "None" not in said, said
                        assert "AI provider spend" in said or "spend" not in said, said


def test_spans_and_lists() -> None:
    assert (minutes(1), minutes(2880), listed(["a", "b", "c"])) == ("1 minute", "2 days", "a, b and c")
