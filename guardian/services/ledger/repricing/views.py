"""What a re-pricing is asked and what it tells: frozen values, and the run's own notes between two chunks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from guardian.models import RepriceRun
from guardian.models.enums import CostSource, Provider, RepriceStatus
from guardian.services.ledger.repricing.rows import Difference

Phase = Literal["dry", "apply", "undo"]
UNFINISHED = (RepriceStatus.QUEUED, RepriceStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepriceRequest:
    """Usage of [start, end), both UTC, perhaps of one provider, perhaps of the models that a glob means."""

    start: datetime
    end: datetime
    provider: Provider | None = None
    model_pattern: str | None = None
    dry_run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDifference:
    """The rows of one model that cost something else now. What is unpriced is counted, and in neither sum."""

    provider: Provider
    model: str
    rows: int
    before: Decimal
    after: Decimal
    unpriced_before: int
    unpriced_after: int

    @property
    def change(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class RepriceView:
    """A run. `phase` is what it does or did last; `progress` from 0 to 1 is that phase's.

    `rows_read` were looked at, `rows_changed` cost something else. After an undo `rows_restored` are as they were, and
    `rows_refused` were left, because something else changed them since. `can_apply` and `can_undo` say what is next.
    """

    id: str
    status: RepriceStatus
    phase: Phase
    progress: float
    start: datetime
    end: datetime
    provider: Provider | None
    model_pattern: str | None
    dry_run: bool
    price_version: str | None
    rows_total: int
    rows_read: int
    rows_changed: int
    rows_restored: int
    rows_refused: int
    cost_before: Decimal
    cost_after: Decimal
    unpriced_before: int
    unpriced_after: int
    models: tuple[ModelDifference, ...]
    error: str | None
    requested_by: str | None
    created_at: datetime
    started_at: datetime | None
    applied_at: datetime | None
    undone_at: datetime | None

    @property
    def can_apply(self) -> bool:
        return self.status is RepriceStatus.FINISHED and self.rows_changed > 0

    @property
    def can_undo(self) -> bool:
        """What was written, wholly or until a failure, can be taken back."""
        written = self.status is RepriceStatus.APPLIED or (
            self.status is RepriceStatus.FAILED and self.phase in ("apply", "undo")
        )
        return written and self.rows_changed > 0

    @property
    def facts(self) -> dict[str, object]:
        """What the audit log keeps of it."""
        return {
            "start": self.start,
            "end": self.end,
            "provider": self.provider,
            "modelPattern": self.model_pattern,
            "dryRun": self.dry_run,
        }


@dataclass(slots=True)
class Notes:
    """What a run keeps of its way in its `summary`: all of it is written with each chunk, so that any worker goes on.

    `cursor` is the last row's time and id (of an undo: its id alone). `models` limits the run to these names; None is
    every one. `terms` is a digest of the agreed prices that it prices with.
    """

    phase: Phase = "dry"
    total: int | None = None
    done: int = 0
    cursor: list[str] = field(default_factory=list[str])
    models: list[str] | None = None
    terms: str = ""
    started: str | None = None
    restored: int = 0
    refused: int = 0
    by_model: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    @classmethod
    def of(cls, run: RepriceRun) -> "Notes":
        stored: Mapping[str, Any] = run.summary or {}
        return cls(**stored)

    def dump(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def count(self, difference: Difference) -> None:
        """Add a changed row to the sums of its model; sums as text, because JSON numbers come back as floats."""
        row, columns = difference.row, difference.columns
        key = f"{row['provider']}\x1f{row['model']}"
        rows, before, after, unpriced_before, unpriced_after = self.by_model.get(key, [0, "0", "0", 0, 0])
        self.by_model[key] = [
            rows + 1,
            format(Decimal(before) + (row["cost"] or 0), "f"),
            format(Decimal(after) + (columns["cost"] or 0), "f"),
            unpriced_before + (row["cost_source"] == CostSource.UNPRICED),
            unpriced_after + (columns["cost_source"] == CostSource.UNPRICED),
        ]

    def differences(self) -> tuple[ModelDifference, ...]:
        """By model, the biggest change first."""
        found: list[ModelDifference] = []
        for key, (rows, before, after, unpriced_before, unpriced_after) in self.by_model.items():
            provider, model = key.split("\x1f", 1)
            found.append(
                ModelDifference(
                    provider=Provider(provider),
                    model=model,
                    rows=rows,
                    before=Decimal(before),
                    after=Decimal(after),
                    unpriced_before=unpriced_before,
                    unpriced_after=unpriced_after,
                )
            )
        return tuple(sorted(found, key=lambda each: (-abs(each.change), each.provider, each.model)))


def reprice_view(run: RepriceRun, requested_by: str | None) -> RepriceView:
    """`requested_by` is a person's name."""
    notes = Notes.of(run)
    over = run.status not in UNFINISHED
    share = notes.done / notes.total if notes.total else 0.0
    return RepriceView(
        id=run.id,
        status=run.status,
        phase=notes.phase,
        progress=1.0 if over and run.status is not RepriceStatus.FAILED else min(share, 1.0),
        start=run.period_start,
        end=run.period_end,
        provider=run.provider,
        model_pattern=run.model_pattern,
        dry_run=run.dry_run,
        price_version=run.price_version,
        rows_total=notes.total or 0,
        rows_read=run.rows_read,
        rows_changed=run.rows_changed,
        rows_restored=notes.restored,
        rows_refused=notes.refused,
        cost_before=run.cost_before,
        cost_after=run.cost_after,
        unpriced_before=run.unpriced_before,
        unpriced_after=run.unpriced_after,
        models=notes.differences(),
        error=run.error,
        requested_by=requested_by,
        created_at=run.created_at,
        started_at=datetime.fromisoformat(notes.started) if notes.started else None,
        applied_at=run.applied_at,
        undone_at=run.undone_at,
    )
