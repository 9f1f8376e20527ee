"""`guardian up`: the whole product on one machine, in the order in which it has to start."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guardian.config import Settings
from guardian.embedded.child import Child
from guardian.embedded.keyfile import stored_or_new_key
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.processes import free_port, is_ours, port_is_free
from guardian.embedded.redis import RedisServer
from guardian.embedded.supervisor import Supervisor, say
from guardian.errors import ConfigurationError
from guardian.queue import QUEUE_NAMES, USAGE_QUEUE
from guardian.services.people.mailbox import mailbox_folder

ROOT = Path(__file__).parents[2]
# A back-fill may take minutes: this worker leaves them alone, so that mails and alerts never wait behind one.
_QUICK_QUEUES = [name for name in QUEUE_NAMES if name != USAGE_QUEUE]
# The file by which the data directory of a demonstration is known.
DEMO_MARK = "demo.json"
# The worker gives a running job 20 s to end before it hands it over.
_WORKER_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Companion:
    """A further process of a run, by the `guardian` command that it is; it is ready when `ready` answers with 200.

    `announce` is what is said beside the addresses then.
    """

    name: str
    arguments: list[str]
    ready: str
    announce: str


def up(settings: Settings, companion: Companion | None = None) -> None:
    """Start everything, say the one URL when it answers, and return when a signal has stopped it all in order.

    Servers that are configured (DATABASE_URL, REDIS_URL, SMTP_HOST) are used, the others are embedded. Raises
    ConfigurationError when a port is taken, another `guardian up` runs or the data are a demonstration's, GuardianError
    when the migrations fail.
    """
    if not settings.guardian_demo and (settings.guardian_data_dir / DEMO_MARK).exists():
        raise ConfigurationError(
            f"{settings.guardian_data_dir} belongs to a demonstration. Go on with it by `guardian demo`, or set "
            "GUARDIAN_DATA_DIR to a directory of your own."
        )
    with Supervisor(settings.guardian_data_dir) as supervisor:
        _require_free_ports(settings)
        say(f"· data and logs are in {supervisor.data_dir}")
        found = _embed(settings, supervisor)
        supervisor.run.publish(found)
        environment = supervisor.environment(
            found | {"GUARDIAN_DATA_DIR": str(supervisor.data_dir), "GUARDIAN_LOG_FORMAT": _log_format(settings)}
        )
        say("· bringing the database up to date")
        supervisor.finish(_child(supervisor, "migrate", ["migrate"], environment, echo=True))
        if companion is not None:
            supervisor.start(_child(supervisor, companion.name, companion.arguments, environment))
        supervisor.start(_child(supervisor, "gateway", ["gateway"], environment))
        supervisor.start(_child(supervisor, "web", ["web"], environment))
        worker_1 = _child(supervisor, "worker-1", ["worker"], environment, _WORKER_STOP_SECONDS)
        worker_2 = _child(supervisor, "worker-2", ["worker", *_QUICK_QUEUES], environment, _WORKER_STOP_SECONDS)
        for child in (worker_1, worker_2, _child(supervisor, "scheduler", ["scheduler"], environment)):
            supervisor.start(child)
        say("· starting web, gateway, workers and scheduler")
        web, gateway = (_here(settings, port) for port in (settings.guardian_port, settings.guardian_gateway_port))
        supervisor.watch(
            ready=[f"{web}/health/ready", f"{gateway}/health/ready", *([companion.ready] if companion else [])],
            announce=f"AI Cost Guardian is ready: {settings.base_url if settings.public_url else web}\n"
            f"· applications call the gateway at {settings.gateway_url if settings.public_url else gateway}"
            + (f"\n{companion.announce}" if companion else ""),
        )


def _embed(settings: Settings, supervisor: Supervisor) -> dict[str, str]:
    """Start the servers that are not configured and return the environment that names them, and the encryption key."""
    found: dict[str, str] = {}
    data_dir = supervisor.data_dir
    if settings.database_url is None:
        postgres = PostgresServer(data_dir)
        say("· starting PostgreSQL" if postgres.workplace.exists() else "· making the database (first start)")
        supervisor.start(postgres)
        found["DATABASE_URL"] = postgres.url
    if settings.redis_url is None:
        redis = RedisServer(data_dir)
        say("· starting Redis")
        supervisor.start(redis)
        found["REDIS_URL"] = redis.url
    if settings.smtp_host is None:
        port = free_port()
        folder = mailbox_folder(data_dir)
        say(f"· starting the mailbox: no SMTP_HOST is set, so mail is kept in {folder}")
        command = [sys.executable, "-m", "guardian.cli", "mailbox", str(folder), str(port)]
        log = data_dir / "logs" / "mailbox.log"
        supervisor.start(Child("mailbox", command, supervisor.environment({}), log, folder=ROOT))
        found |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_SECURE": "false"}
    if settings.encryption_key is None:
        found["ENCRYPTION_KEY"] = stored_or_new_key(data_dir)
    return found


def _child(
    supervisor: Supervisor,
    name: str,
    arguments: list[str],
    environment: Mapping[str, str],
    stop_seconds: float = 15.0,
    *,
    echo: bool = False,
) -> Child:
    return Child(
        name,
        [sys.executable, "-m", "guardian.cli", *arguments],
        environment,
        supervisor.data_dir / "logs" / f"{name}.log",
        folder=ROOT,
        stop_seconds=stop_seconds,
        echo=(lambda line: say(f"  {line}")) if echo else None,
    )


def _require_free_ports(settings: Settings) -> None:
    host = settings.guardian_host
    if not is_ours(host):
        raise ConfigurationError(
            f"GUARDIAN_HOST is {host}, which is no address of this machine. Set it to one of its own, or to 0.0.0.0."
        )
    if settings.guardian_port == settings.guardian_gateway_port:
        raise ConfigurationError(
            f"GUARDIAN_PORT and GUARDIAN_GATEWAY_PORT are both {settings.guardian_port}. Set one to another port."
        )
    for variable in ("guardian_port", "guardian_gateway_port"):
        port: int = getattr(settings, variable)
        if not port_is_free(port, host):
            raise ConfigurationError(
                f"Port {port} on {host} is taken by another program. "
                f"Stop that program, or set {variable.upper()} to a free port."
            )


def _log_format(settings: Settings) -> str:
    """Log files are read by people here, unless somebody asked for JSON."""
    return "console" if settings.guardian_log_format == "auto" else settings.guardian_log_format


def _here(settings: Settings, port: int) -> str:
    """Where this machine itself reaches our server on that port."""
    host = settings.guardian_host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
