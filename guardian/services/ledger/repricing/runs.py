"""Re-pricing asked for: a dry run, then applied, then perhaps undone; one at a time in an organization."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import func
from sqlmodel import Session, col, select

from guardian import db, live, queue
from guardian.errors import ConflictError, GuardianError, NotFoundError, ValidationError
from guardian.models import RepriceRun, User
from guardian.models.enums import Provider, RepriceStatus
from guardian.pricing.catalog import Catalog
from guardian.pricing.overrides import Override
from guardian.pricing.sheets import sheets
from guardian.services.actor import Actor
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.repricing.views import UNFINISHED, Notes, Phase, RepriceRequest, RepriceView, reprice_view
from guardian.services.people.paging import Asked, Orders, read_page
from guardian.services.people.views import Page

REPRICE = "guardian.jobs.repricing.reprice"  # by name: services do not know the jobs
_TIMEOUT = 4 * 3600  # seconds; a run that is cut off there goes on where it was
_ORDERS = Orders(by={"createdAt": col(RepriceRun.created_at)}, id=col(RepriceRun.id), usual="-createdAt")
MAX_PATTERN = 200
# A run that moved on this long ago has lost its worker, or its job with Redis.
_OVERDUE = timedelta(minutes=1)

_Row = tuple[RepriceRun, str | None, str]
Terms = dict[Provider, tuple[Override, ...]]


def request_run(session: Session, actor: Actor, wanted: RepriceRequest) -> RepriceView:
    """Have usage priced anew by a worker, after this transaction's commit; a dry run changes nothing.

    Raises AuthorizationError, ValidationError for a span that is empty or a pattern that is none, and ConflictError
    while another run of the organization is not over.
    """
    actor.require("prices:update")
    if wanted.start >= wanted.end:
        raise _wrong("from", "The span must end after it starts.")
    pattern = (wanted.model_pattern or "").strip() or None
    if pattern is not None and (len(pattern) > MAX_PATTERN or not pattern.isprintable()):
        raise _wrong("modelPattern", "Name a model, or a pattern like gpt-5*, of at most 200 characters.")
    _lock_alone(session, actor)
    run = RepriceRun(
        organization_id=actor.organization_id,
        requested_by_id=actor.user_id,
        dry_run=wanted.dry_run,
        period_start=wanted.start,
        period_end=wanted.end,
        provider=wanted.provider,
        model_pattern=pattern,
    )
    session.add(run)
    _begin(session, run, "dry" if wanted.dry_run else "apply")
    return get_run(session, actor, run.id)


def apply_run(session: Session, actor: Actor, run_id: str) -> RepriceView:
    """Write what a dry run has shown.

    Raises AuthorizationError, NotFoundError, and ConflictError for a run that is not a finished dry run, whose prices
    are no longer those of today, or while another run is not over.
    """
    actor.require("prices:update")
    _lock_alone(session, actor)
    run = _own(session, actor, run_id)
    if run.status is not RepriceStatus.FINISHED:
        raise ConflictError("Only a finished dry run can be applied.")
    if not same_terms(session, run):
        raise ConflictError("Prices have changed since this dry run. Make a new one and look at it first.")
    run.dry_run = False
    _begin(session, run, "apply")
    return get_run(session, actor, run.id)


def undo_run(session: Session, actor: Actor, run_id: str) -> RepriceView:
    """Take back what a run wrote, to the last digit; rows that something else has changed since are left and counted.

    Raises AuthorizationError, NotFoundError, and ConflictError for a run that has written nothing, or while another
    run is not over.
    """
    actor.require("prices:update")
    _lock_alone(session, actor)
    run = _own(session, actor, run_id)
    if not reprice_view(run, None).can_undo:
        raise ConflictError("This run has written nothing that could be undone.")
    _begin(session, run, "undo")
    return get_run(session, actor, run.id)


def get_run(session: Session, actor: Actor, run_id: str) -> RepriceView:
    """One run of the organization. Raises AuthorizationError, NotFoundError."""
    found = cast("_Row | None", session.exec(_visible(actor).where(RepriceRun.id == run_id)).one_or_none())
    if found is None:
        raise NotFoundError("Run")
    run, name, email = found
    return reprice_view(run, name or email)


def list_runs(session: Session, actor: Actor, asked: Asked) -> Page[RepriceView]:
    """The organization's runs, newest first. Raises AuthorizationError, and ValidationError for a wrong cursor."""
    rows, following = read_page(session, _visible(actor), _ORDERS, asked)
    return Page(items=tuple(reprice_view(run, name or email) for run, name, email in rows), next_cursor=following)


def _visible(actor: Actor) -> Any:
    actor.require("prices:read")
    return (
        select(RepriceRun, User.name, User.email)
        .join(User, col(User.id) == col(RepriceRun.requested_by_id), isouter=True)
        .where(RepriceRun.organization_id == actor.organization_id)
    )


def resume_runs(session: Session) -> int:
    """Call workers again for runs whose worker is gone; gives how many."""
    stale = col(RepriceRun.updated_at) < func.now() - _OVERDUE
    runs: Sequence[RepriceRun] = session.exec(
        select(RepriceRun).where(col(RepriceRun.status).in_(UNFINISHED), stale)
    ).all()
    for run in runs:
        enqueue_run(session, run, suffix="-again")
    return len(runs)


def fail_run(session: Session, run_id: str, error: GuardianError) -> None:
    """A failure that trying again does not mend. What was written until then can be undone."""
    run = session.get(RepriceRun, run_id, with_for_update=True)
    if run is None or run.status not in UNFINISHED:
        return
    run.status, run.error = RepriceStatus.FAILED, error.message
    session.add(run)
    session.flush()
    tell(session, run)


def terms_of(session: Session, run: RepriceRun) -> Terms:
    """The agreed prices that the run may need, by provider."""
    providers = [run.provider] if run.provider else list(Provider)
    return {provider: overrides_of(session, run.organization_id, provider) for provider in providers}


def digest_of(terms: Terms) -> str:
    """The same for the same agreed prices; another one also when one of them has been ended."""
    facts = sorted(
        f"{o.id} {o.valid_from} {o.valid_to} {o.percent_of_list} {sorted(o.prices.items())} {o.catalog}"
        for overrides in terms.values()
        for o in overrides
    )
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def catalog_version() -> str:
    """The version of the price list that this process prices with."""
    return Catalog(sheets().snapshot).version


def same_terms(session: Session, run: RepriceRun) -> bool:
    """Whether the run's prices, agreed and listed, are still those of today."""
    return run.price_version == catalog_version() and Notes.of(run).terms == digest_of(terms_of(session, run))


def enqueue_run(session: Session, run: RepriceRun, *, suffix: str = "") -> None:
    """Have a worker take the run up, after this transaction's commit."""
    job_id = f"reprice-{run.id}-{Notes.of(run).phase}{suffix}"
    send = partial(queue.enqueue_if_possible, queue.USAGE_QUEUE, REPRICE, run.id, job_id=job_id, timeout=_TIMEOUT)
    db.after_commit(session, send)


def tell(session: Session, run: RepriceRun) -> None:
    """The run's state to the open pages, after this transaction's commit."""
    view = reprice_view(run, None)
    facts = {"id": run.id, "kind": "reprice", "status": run.status, "progress": round(view.progress, 4)}
    db.after_commit(session, partial(live.publish, "org", run.organization_id, live.JOB_UPDATE, facts))


def _begin(session: Session, run: RepriceRun, phase: Phase) -> None:
    """Start a phase at its first row. An undo keeps the figures of what it takes back."""
    notes = Notes(phase=phase)
    if phase == "undo":
        notes.by_model = Notes.of(run).by_model
    else:
        run.rows_read = run.rows_changed = run.unpriced_before = run.unpriced_after = 0
        run.cost_before = run.cost_after = run.cost_before * 0
        run.price_version, notes.terms = catalog_version(), digest_of(terms_of(session, run))
    run.status, run.error, run.summary = RepriceStatus.QUEUED, None, notes.dump()
    session.add(run)
    session.flush()
    enqueue_run(session, run)
    tell(session, run)


def _lock_alone(session: Session, actor: Actor) -> None:
    """Until the transaction ends nobody else begins a run. Raises ConflictError when one is not over."""
    db.lock(session, "reprice", actor.organization_id)
    busy = select(RepriceRun.id).where(
        RepriceRun.organization_id == actor.organization_id, col(RepriceRun.status).in_(UNFINISHED)
    )
    if session.exec(busy).first() is not None:
        raise ConflictError("A re-pricing is under way. Wait until it is over.")


def _own(session: Session, actor: Actor, run_id: str) -> RepriceRun:
    run = session.get(RepriceRun, run_id, with_for_update=True)
    if run is None or run.organization_id != actor.organization_id:
        raise NotFoundError("Run")
    return run


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
