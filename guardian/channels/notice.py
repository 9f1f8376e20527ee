"""Notice: everything that one message about an alert tells, so that a channel needs to read nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Self

from guardian.amounts import Unit
from guardian.models.enums import AlertState
from guardian.periods import rfc3339

NoticeKind = Literal["alert", "test", "digest", "report"]
Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One part of what happened: `amount` in `unit`, and its `share` of the whole in percent where that is known."""

    label: str
    amount: Decimal
    unit: Unit = "dollars"
    share: Decimal | None = None

    def to_json(self) -> dict[str, Any]:
        return {"label": self.label, "amount": _text(self.amount), "unit": self.unit, "share": _text(self.share)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            label=stored["label"],
            amount=Decimal(stored["amount"]),
            unit=stored.get("unit", "dollars"),
            share=_decimal(stored.get("share")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One change of one group of an alert, or one more telling of it, in the words and numbers of that time.

    `transition` is "<group>#<number>". `sentence` is plain text that says what happened; whatever of it comes from
    outside (names of models, tags, teams) is text too, and each channel escapes it. `group` is "" for an alert without
    groups. `url` is where a person sees more. `items` are the lines of a digest or a report, one sentence each; `parts`
    are the notices that a digest stands for. Times are told in `time_zone`, the organization's.
    """

    kind: NoticeKind = "alert"
    alert_id: str
    transition: str
    name: str
    type: str
    metric: str
    state: AlertState
    previous: AlertState = AlertState.OK
    severity: Severity = "warning"
    group: str = ""
    value: Decimal | None = None
    threshold: Decimal | None = None
    unit: Unit = "dollars"
    sentence: str
    causes: tuple[Cause, ...] = ()
    items: tuple[str, ...] = ()
    organization_id: str
    organization: str
    window_start: datetime | None = None
    window_end: datetime | None = None
    occurred_at: datetime
    url: str
    time_zone: str = "UTC"
    parts: "tuple[Notice, ...]" = ()

    @property
    def recovered(self) -> bool:
        return self.state in (AlertState.RECOVERED, AlertState.OK)

    def to_json(self) -> dict[str, Any]:
        """As jsonb stores it and a webhook's body carries it: camelCase, numbers as text, times in RFC 3339, UTC."""
        return {
            "kind": self.kind,
            "alertId": self.alert_id,
            "transition": self.transition,
            "name": self.name,
            "type": self.type,
            "metric": self.metric,
            "state": self.state.value,
            "previous": self.previous.value,
            "severity": self.severity,
            "group": self.group,
            "value": _text(self.value),
            "threshold": _text(self.threshold),
            "unit": self.unit,
            "sentence": self.sentence,
            "causes": [cause.to_json() for cause in self.causes],
            "items": list(self.items),
            "organizationId": self.organization_id,
            "organization": self.organization,
            "windowStart": _time(self.window_start),
            "windowEnd": _time(self.window_end),
            "occurredAt": rfc3339(self.occurred_at),
            "url": self.url,
            "timeZone": self.time_zone,
            **({"parts": [part.to_json() for part in self.parts]} if self.parts else {}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What `to_json` wrote. Raises KeyError or ValueError for anything else."""
        return cls(
            kind=stored.get("kind", "alert"),
            alert_id=stored["alertId"],
            transition=stored["transition"],
            name=stored["name"],
            type=stored["type"],
            metric=stored["metric"],
            state=AlertState(stored["state"]),
            previous=AlertState(stored["previous"]),
            severity=stored["severity"],
            group=stored["group"],
            value=_decimal(stored.get("value")),
            threshold=_decimal(stored.get("threshold")),
            unit=stored["unit"],
            sentence=stored["sentence"],
            causes=tuple(Cause.from_json(cause) for cause in stored.get("causes") or ()),
            items=tuple(stored.get("items") or ()),
            organization_id=stored["organizationId"],
            organization=stored["organization"],
            window_start=_moment(stored.get("windowStart")),
            window_end=_moment(stored.get("windowEnd")),
            occurred_at=datetime.fromisoformat(stored["occurredAt"]),
            url=stored["url"],
            time_zone=stored.get("timeZone") or "UTC",
            parts=tuple(cls.from_json(part) for part in stored.get("parts") or ()),
        )


def _text(number: Decimal | None) -> str | None:
    """Without the zeros that a column of money ends in, as REST writes it."""
    return None if number is None else format(number.normalize(), "f")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
