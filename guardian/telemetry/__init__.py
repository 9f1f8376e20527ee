"""What a process tells of itself while it runs: figures that Prometheus scrapes, and a snapshot of them in Redis.

Every process of the product (web, gateway, worker, scheduler) is inside `telling` as long as it runs. Then it answers
GET /metrics, and writes a `ProcessSnapshot` to Redis every 10 s, which `processes()` reads back:

>>> from guardian import telemetry
>>> for process in telemetry.processes():               # doctest: +SKIP
...     print(process.kind, process.host, process.pid, process.requests, process.p95_ms, process.journal_bytes)

A process that ended in order takes its snapshot away; one that was killed is listed for another 30 s. A snapshot whose
`age_seconds` is over 20 belongs to a process that hangs, or that Redis has not heard of.
"""

from guardian.telemetry.figures import Figures, Timings
from guardian.telemetry.running import figures, telling
from guardian.telemetry.snapshots import ProcessSnapshot, Reporter, processes

__all__ = ["Figures", "ProcessSnapshot", "Reporter", "Timings", "figures", "processes", "telling"]
