"""`guardian worker`: an RQ worker that outlives Redis, lets go of its job in time, and takes over from killed ones."""

import importlib
import os
import pkgutil
import secrets
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, cast

import structlog
from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job, JobStatus

import guardian.jobs
from guardian import logs, telemetry
from guardian.config import settings
from guardian.embedded.processes import dying_with_parent
from guardian.embedded.runs import Identified
from guardian.queue import QUEUE_NAMES

# A job that runs when the worker is asked to stop may end within this; then it goes back to the front of its queue.
GRACE_SECONDS = 20.0
# A job that was given back this often within an hour may be what kills its workers: RQ then calls it failed.
MOST_RETURNS = 12
_RETURNS_SECONDS = 3_600
_MONITOR_SECONDS = 10
_LONGEST_WAIT = 5.0

log = structlog.get_logger(__name__)


class GuardianWorker(Worker):
    """RQ's worker, whose job process dies with it, and whose bookkeeping waits for Redis instead of giving up."""

    max_connection_wait_time = _LONGEST_WAIT
    grace_seconds = GRACE_SECONDS

    _leash: Any = None
    _handing_over = False

    @property
    def was_asked_to_stop(self) -> bool:
        return self._shutdown_requested_date is not None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Here, in the process that stays: what the job's own process counts is gone with it."""
        figures = telemetry.figures()
        began, figures.doing = time.monotonic(), job_name(job)
        try:
            super().execute_job(job, queue)
        finally:
            figures.doing = None
            figures.note_job(job_name(job), self._outcome(job), time.monotonic() - began)

    def _outcome(self, job: Job) -> str:
        if self._handing_over:
            return "returned"
        try:
            return "failed" if job.get_status() == JobStatus.FAILED else "finished"
        except (RedisError, LookupError):  # nobody can tell; a job that is done with may be forgotten at once
            return "finished"

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # A job must not outlive the worker that answers for it: the next worker starts it again.
        self._leash = dying_with_parent(signal.SIGKILL)
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> NoReturn:
        if self._leash is not None:
            self._leash()
        super().main_work_horse(job, queue)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Without Redis there is nobody to tell; the job goes on, and the next heartbeat tells."""
        try:
            super().maintain_heartbeats(job, execution)
        except (RedisConnectionError, RedisTimeoutError) as error:
            log.warning("worker.heartbeat_lost", job=job.id, error=str(error))

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if self.horse_pid:
            timer = threading.Timer(self.grace_seconds, self._let_go)
            timer.daemon = True
            timer.start()

    def _let_go(self) -> None:
        self._handing_over = True
        with suppress(ProcessLookupError):
            self.kill_horse()

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """A job that we ended ourselves did not fail: it goes back to its queue."""
        execution = kwargs.get("execution")
        if self._handing_over and not self.is_horse and give_back(self, job, execution):
            return
        super().handle_job_failure(job, queue, *args, **kwargs)


def job_name(job: Job) -> str:
    """The function that it runs, of our own: anything else is not told apart, so that labels stay few."""
    name = job.func_name or ""
    return name.removeprefix("guardian.jobs.") if name.startswith("guardian.jobs.") else "_OTHER"


def give_back(worker: Worker, job: Job, execution: Execution | None) -> bool:
    """Put a job that was cut short at the front of its queue. False when it was given back too often already."""
    # A key of its own: a job that recurs keeps its id, and RQ its old metadata.
    counter = f"guardian:returned:{job.id}"
    with worker.connection.pipeline() as pipe:
        pipe.incr(counter)
        pipe.expire(counter, _RETURNS_SECONDS)
        returns = int(pipe.execute()[0])
    if returns > MOST_RETURNS:
        return False
    queue = Queue(job.origin, connection=worker.connection)
    with worker.connection.pipeline() as pipe:
        job.started_at = None
        queue.enqueue_job(job, pipeline=pipe, at_front=True)
        worker.cleanup_execution(job, pipeline=pipe, execution=execution)
        pipe.execute()
    log.info("worker.job_given_back", job=job.id, queue=job.origin, returns=returns)
    return True


def machine() -> str:
    """This kernel's boot and this process's pid namespace, in which a pid means what it says."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return os.uname().nodename.replace("_", "-")


def new_name() -> str:
    """A worker's name tells which process it is, so that another worker of this machine can see that it was killed."""
    ours = Identified.of(os.getpid())
    return f"{machine()}_{ours.pid}_{ours.created!r}_{secrets.token_hex(4)}"


def was_killed(name: str) -> bool:
    """Whether that name belongs to a process of this machine that is gone. Of other machines we know nothing."""
    host, *rest = name.split("_")
    if host != machine() or len(rest) != 3:
        return False
    found = Identified(int(rest[0]), float(rest[1])).find()
    return found is None


def take_over(connection: Redis) -> None:
    """Give the jobs of killed workers back to their queues at once; RQ alone notices only after a minute.

    What was killed on another machine is left to RQ.
    """
    lock = connection.lock("guardian:worker-take-over", timeout=30)
    if not lock.acquire(blocking=False):
        return
    try:
        for worker in cast("list[Worker]", Worker.all(connection=connection)):
            if not was_killed(worker.name):
                continue
            for execution in worker.get_current_executions():
                with suppress(LookupError, ValueError):
                    job = Job.fetch(execution.job_id, connection=connection)
                    if job.get_status() == JobStatus.STARTED:
                        give_back(worker, job, execution)
            worker.register_death()
    finally:
        with suppress(RedisError):
            lock.release()


def patient_connection() -> Redis:
    """A connection of RQ's own that tries for more than a minute before it fails.

    Between taking a job from a queue and writing down who has it, a failure would lose the job.
    """
    return Redis.from_url(
        settings().require_redis_url(),
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.2, cap=3), retries=60),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )


def _load_jobs() -> None:
    """Import all job modules now, so that the process of each job has them when it is forked."""
    for module in pkgutil.iter_modules(guardian.jobs.__path__, "guardian.jobs."):
        importlib.import_module(module.name)


def _listen() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _forget(worker: GuardianWorker) -> None:
    """Take it off the list of workers where `_leave` ended it: RQ does so only once its own handlers are there."""
    if worker.birth_date is not None and not worker.is_horse and not worker.was_asked_to_stop:
        worker.register_death()


def run(queues: list[str]) -> None:
    """Work until SIGTERM or SIGINT; whatever else ends RQ's loop (mostly Redis) makes us begin a new one."""
    asked, wait = threading.Event(), 0.5
    while True:
        _listen()  # RQ's own handlers need a registered worker
        try:
            connection = patient_connection()
            take_over(connection)
            worker = GuardianWorker(
                queues, name=new_name(), connection=connection, job_monitoring_interval=_MONITOR_SECONDS
            )
            worker.log_job_description = False
            try:
                worker.work(logging_level="INFO")
            except SystemExit:
                _forget(worker)
                raise
            if worker.was_asked_to_stop:
                return
            wait = 0.5
        except RedisError as error:
            log.warning("worker.redis_failed", error=str(error), again_in_seconds=wait)
        asked.wait(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


def main(arguments: list[str]) -> None:
    """`python -m workers.worker [QUEUE ...]`: work on those queues, or on all of them, the first ones first."""
    logs.configure(settings(), "worker")
    unknown = [name for name in arguments if name not in QUEUE_NAMES]
    if unknown:
        raise SystemExit(f"guardian: there is no queue {', '.join(unknown)}; there are {', '.join(QUEUE_NAMES)}")
    _load_jobs()
    queues = arguments or list(QUEUE_NAMES)
    _listen()
    log.info("worker.starting", queues=queues)
    with telemetry.telling("worker"):
        run(queues)


if __name__ == "__main__":
    main(sys.argv[1:])
