"""What Prometheus scrapes: who may, the text, and a server for processes that have none of their own."""

import ipaddress
import secrets
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, NamedTuple

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from guardian.config import Settings, settings
from guardian.telemetry.figures import Figures
from guardian.telemetry.snapshots import Journal

CONTENT_TYPE = CONTENT_TYPE_LATEST
REFUSED = (
    "Figures are given to this machine only, or to whoever sends METRICS_TOKEN as `Authorization: Bearer …`. "
    "Set METRICS_TOKEN, and give it to your Prometheus."
)
_MOST_PORTS = 64  # processes on one machine
# A proxy of this machine speaks for others: whoever comes through one comes from elsewhere.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")

log = structlog.get_logger(__name__)


def may_scrape(client: str | None, headers: Mapping[str, str]) -> bool:
    """Whether the figures may be given to this address, which sent these headers (names in lower case)."""
    token = settings().metrics_token
    sent = headers.get("authorization", "")
    if token is not None and secrets.compare_digest(
        sent.encode("utf-8", "replace"), f"Bearer {token.get_secret_value()}".encode()
    ):
        return True
    return _is_loopback(client) and not any(name in headers for name in _FORWARDED)


def _is_loopback(client: str | None) -> bool:
    try:
        address = ipaddress.ip_address(client or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def scraped() -> bytes:
    """All figures of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)


class ProcessCollector(Collector):
    """The figures that every process has, by its kind."""

    def __init__(self, kind: str, figures: Figures, journal: Journal | None = None) -> None:
        self._kind, self._figures, self._journal = kind, figures, journal

    def describe(self) -> Iterable[Metric]:
        return []  # what is collected then would be read before the process has begun

    def collect(self) -> Iterable[Metric]:
        figures, labels = self._figures, [self._kind]
        seconds = HistogramMetricFamily(
            "aicg_process_request_seconds", "Time to answer a request, or to end a job.", labels=["process"]
        )
        seconds.add_metric(labels, figures.timings.buckets(), figures.timings.sum)
        yield seconds
        failed = CounterMetricFamily(
            "aicg_process_errors", "Requests and jobs that failed for a reason of ours.", labels=["process"]
        )
        failed.add_metric(labels, figures.errors)
        yield failed
        calls = CounterMetricFamily(
            "aicg_gateway_calls", "Calls through the gateway, by how they ended.", labels=["provider", "outcome"]
        )
        for (provider, outcome), count in list(figures.outcomes.items()):
            calls.add_metric([provider, outcome], count)
        jobs = CounterMetricFamily("aicg_jobs", "Jobs that ended, by how.", labels=["job", "outcome"])
        for (job, outcome), count in list(figures.jobs.items()):
            jobs.add_metric([job, outcome], count)
        yield from (family for family in (calls, jobs) if family.samples)
        if self._journal is not None:
            waiting, most = self._journal()
            for name, text, value in (
                ("aicg_journal_bytes", "Bytes of calls that wait for the database.", waiting),
                ("aicg_journal_limit_bytes", "At most so many bytes may wait.", most),
            ):
                gauge = GaugeMetricFamily(name, text, labels=["process"])
                gauge.add_metric(labels, value)
                yield gauge


class Exporter:
    """Answers GET /metrics on a port of its own, for a process that serves nothing else."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.address = f"{server.server_address[0]}:{server.server_port}"
        self._thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)

    @classmethod
    def start(cls, found: Settings) -> "Exporter | None":
        """On the first free port from GUARDIAN_METRICS_PORT on; None where that is 0, or all are taken."""
        first = found.guardian_metrics_port
        for port in range(first, min(first + _MOST_PORTS, 65_536)) if first else ():
            try:
                server = _Server((found.guardian_host, port), _Handler)
            except OSError:
                continue
            exporter = cls(server)
            exporter._thread.start()
            log.info("metrics.serving", address=exporter.address)
            return exporter
        if first:
            log.warning("metrics.no_port", first=first, tried=_MOST_PORTS)
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Else a second process would share the port with the first one, and each scrape reach either.
    allow_reuse_address = False
    allow_reuse_port = False


class _Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    server_version = "guardian"
    sys_version = ""
    timeout: ClassVar[float | None] = 10

    def do_GET(self) -> None:
        answer = self._answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(answer.body)

    def _answer(self) -> _Answer:
        path = self.path.partition("?")[0]
        if path == "/health/live":
            return _Answer(200, "application/json", b'{"success":true,"data":{"status":"ok"}}')
        if path != "/metrics":
            return _Answer(404, "text/plain", b"Here are /metrics and /health/live.\n")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not may_scrape(str(self.client_address[0]), headers):
            return _Answer(403, "text/plain", REFUSED.encode())
        return _Answer(200, CONTENT_TYPE, scraped())

    def log_message(self, format: str, *args: object) -> None:
        log.debug("metrics.asked", line=format % args)
