"""One pull from claim to end: which transaction when, what is waited out, and what ends it."""

import threading
from contextlib import closing
from functools import partial
from types import TracebackType
from typing import Self

import structlog
from rq.timeouts import BaseTimeoutException

from guardian.config import settings
from guardian.crypto import encryption
from guardian.errors import ConfigurationError, DecryptionError, GuardianError, ProviderError, UnavailableError
from guardian.jobs.patience import in_transaction, patiently
from guardian.pricing.calculator import price
from guardian.providers.base import BaseProvider
from guardian.providers.registry import provider_for
from guardian.records import CostBreakdown, UsageRecord
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sync import leases, runs
from guardian.services.ledger.sync.leases import Claim, LeaseLost
from guardian.services.ledger.sync.pull import fetch, plan, write

log = structlog.get_logger(__name__)


def pull(run_id: str) -> None:
    """Do the run's steps that are left. Ends quietly when it is not ours to do, or not any more.

    The run says what came of it, whatever that was; only what is our own fault is raised, for the log.
    """
    claim = patiently(lambda session: leases.claim(session, run_id))
    if claim is None:
        log.info("sync.not_taken", run=run_id)
        return
    with Lease(claim) as lease, closing(_provider(claim)) as provider:
        vendor = provider.http.vendor
        try:
            _do_steps(claim, lease, provider)
            patiently(lambda session: runs.finish(session, claim))
            log.info("sync.finished", run=run_id)
        except LeaseLost:
            log.info("sync.taken_over", run=run_id)
        except (ProviderError, DecryptionError) as error:
            _note_failure(claim, error, vendor)
        except (UnavailableError, BaseTimeoutException):
            raise  # the lease runs out, and the run goes on later where it is
        except Exception as error:
            ours = error if isinstance(error, ConfigurationError) else _our_fault(claim)
            patiently(lambda session: runs.break_off(session, claim, ours))
            raise


def _do_steps(claim: Claim, lease: "Lease", provider: BaseProvider) -> None:
    api_key = encryption().decrypt_api_key(claim.sealed)
    # Beforehand, because a new partition locks out everybody else until its transaction ends.
    patiently(lambda session: ensure_partitions(session, claim.window.start, claim.window.end))
    steps = plan(provider, claim.window)
    for step in steps:
        if step.id in claim.done:
            continue
        lease.check()
        try:
            fetched = fetch(provider, api_key, step)
        except ProviderError as error:
            if step.kind != "names":
                raise
            # Names are a courtesy; what is wrong with the key itself, the next step meets too.
            log.warning("sync.names_left_out", run=claim.run_id, error=error.message)
            continue
        patiently(partial(write, claim=claim, steps=steps, step=step, fetched=fetched))


def _note_failure(claim: Claim, error: ProviderError | DecryptionError, vendor: str) -> None:
    log.warning("sync.failed", run=claim.run_id, code=error.code, error=error.message)
    try:
        if isinstance(error, ProviderError) and not error.permanent:
            patiently(lambda session: runs.put_off(session, claim, error))
        else:
            patiently(lambda session: runs.give_up(session, claim, error, vendor))
    except LeaseLost:
        log.info("sync.taken_over", run=claim.run_id)


def _provider(claim: Claim) -> BaseProvider:
    def pricer(usage: UsageRecord) -> CostBreakdown:
        return price(usage, claim.account.overrides, key_id=claim.api_key_id)

    return provider_for(claim.provider, pricer=pricer, metadata=claim.metadata)


def _our_fault(claim: Claim) -> GuardianError:
    return GuardianError(f"An error of ours stopped this pull. Look for {claim.run_id} in the worker's log.")


class Lease:
    """Renews a claim in a thread of its own while the block runs, three times within each lease."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._over, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease {claim.run_id}", daemon=True)

    def check(self) -> None:
        """Raises LeaseLost when the run is another worker's: what is fetched now could not be written."""
        if self._lost.is_set():
            raise LeaseLost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._over.wait(settings().sync_lease_seconds / 3):
            try:
                if not in_transaction(lambda session: leases.renew(session, self._claim)):
                    self._lost.set()
                    return
            except UnavailableError as error:
                log.warning("sync.lease_not_renewed", run=self._claim.run_id, error=error.message)
