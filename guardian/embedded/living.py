"""Which processes of this installation live, in one line."""

from collections import Counter

from redis.exceptions import RedisError

from guardian import telemetry
from guardian.errors import ConfigurationError

_SILENT_SECONDS = 20


def running() -> str:
    """How many of each kind told of themselves lately, and which of them have fallen silent."""
    try:
        found = telemetry.processes()
    except (RedisError, ConfigurationError):
        return "which processes run is not known without Redis"
    if not found:
        return "no process runs"
    counts = Counter(process.kind for process in found)
    kinds = ("web", "gateway", "worker", "scheduler")
    said = ", ".join(f"{counts[kind]} {kind}" if counts[kind] else f"no {kind}" for kind in kinds)
    silent = [f"{each.kind} {each.host}:{each.pid}" for each in found if each.age_seconds > _SILENT_SECONDS]
    return f"{said} run" + (f"; silent: {', '.join(silent)}" if silent else "")
