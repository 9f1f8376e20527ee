"""The dashboard and the alerts for Prometheus ask only for figures that are exported, by labels that these have."""

import json
import re
from collections import defaultdict
from decimal import Decimal

import pytest
import yaml
from prometheus_client import CollectorRegistry
from rq import Queue

from guardian import queue
from guardian.api.edge import REQUESTS, SECONDS
from guardian.api.installation_metrics import InstallationCollector
from guardian.cache import CacheService
from guardian.telemetry import Figures, ledger
from guardian.telemetry.scraping import ProcessCollector
from tests.conftest import ROOT, Servers

DASHBOARD = json.loads((ROOT / "deploy/grafana/ai-cost-guardian.json").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
RULES = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
_NAME = re.compile(r"\b((?:aicg|process)_[a-z_]+)\b(?!\s*\()")


@pytest.fixture
def exported(environment: Servers) -> dict[str, set[str]]:
    """Every sample's name and labels, of every kind of process."""
    figures = Figures()
    figures.note_call("OPENAI", "ok", 0.1, failed=False)
    figures.note_job("usage.make_days", "failed", 0.1)
    REQUESTS.labels("GET", "/", "200").inc()
    SECONDS.labels("GET", "/").observe(0.1)
    for family in ledger.COUNTERS:
        ledger.count(family, "2026-01", {tuple("x" for _ in family.labels): Decimal(1)})
    for family in ledger.GAUGES:
        ledger.keep(family, {tuple("x" for _ in family.labels): Decimal(1)})
    cache = CacheService()
    cache.get_or_set("grafana", lambda: 1, owner="grafana")
    assert Queue("usage-processing", connection=queue.connection()).count == 0
    registry = CollectorRegistry()
    for collector in (
        ProcessCollector("web", figures, lambda: (1, 2)),
        InstallationCollector(),
        ledger.LedgerCollector(),
    ):
        registry.register(collector)
    found: dict[str, set[str]] = defaultdict(set)
    for families in (registry.collect(), REQUESTS.collect(), SECONDS.collect()):
        for family in families:
            for sample in family.samples:
                found[sample.name] |= set(sample.labels)
    found["process_resident_memory_bytes"] = set()
    return found


def test_there_is_a_figure_for_every_query(exported: dict[str, set[str]]) -> None:
    assert len(QUERIES) > 20
    for query in (*QUERIES, *RULES):
        names = set(_NAME.findall(query)) - {"process"}
        assert names, query
        for name in names:
            assert name in exported, f"{name} in {query}"


def test_queries_group_by_labels_that_there_are(exported: dict[str, set[str]]) -> None:
    scraped = {"process"}  # put on by the discovery of targets
    for query in (*QUERIES, *RULES):
        labels = {label for names in _NAME.findall(query) for label in exported[names]} | scraped
        for group in re.findall(r"by \(([^)]*)\)", query):
            assert {each.strip() for each in group.split(",")} <= labels, query
        for matcher in re.findall(r"\{(\w+)[!=]", query):
            assert matcher in labels, query


def test_legends_name_labels_that_are_left(exported: dict[str, set[str]]) -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            kept = {
                each.strip() for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for each in group.split(",")
            }
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, target


def test_brackets_close_and_panels_do_not_overlap() -> None:
    for query in (*QUERIES, *RULES):
        for opening, closing in ("()", "{}", "[]"):
            assert query.count(opening) == query.count(closing), query
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_name_that_was_promised_is_shown() -> None:
    shown = " ".join(QUERIES)
    for name in (
        "aicg_cost_usd_total",
        "aicg_budget_remaining_usd",
        "aicg_unpriced_tokens_total",
        "aicg_reconciliation_gap_usd",
        "aicg_provider_sync_age_seconds",
        "aicg_cache_hit_ratio",
    ):
        assert name in shown
