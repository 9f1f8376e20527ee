"""Whether a rule means something: each value that does not is refused with its field."""

import socket
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.errors import NotFoundError, OutboundRefused, ValidationError
from guardian.models import Alert, NotificationTarget, User
from guardian.models.enums import AlertType, ComparisonType
from guardian.outbound import reachable
from guardian.services.actor import Actor
from guardian.services.guard.alerts.metrics import GROUPS, METRICS, TAG, Metric, metric_of
from guardian.services.guard.alerts.recipients import EMAILS
from guardian.services.guard.alerts.rule import BUDGET_ID, budget_names
from guardian.services.guard.budgets.scopes import Scope, checked_scope
from guardian.services.people.membership import is_member

MAX_NAME, MAX_URL, MAX_CHANNELS = 100, 500, 20
MAX_FACTS, MAX_FACT = 20, 200
# NUMERIC(10,2), which is the guide's.
MAX_THRESHOLD = Decimal(99_999_999)
MAX_MIN_REQUESTS = 10**9
MAX_PENDING_MINUTES = 7 * 1440
LEAST_RENOTIFY, MOST_RENOTIFY = 5, 30 * 1440
_RISING = (ComparisonType.GREATER_THAN, ComparisonType.GREATER_THAN_OR_EQUAL)


def check_rule(alert: Alert) -> None:
    """Raises ValidationError for what does not fit together, whatever the database says."""
    metric = _metric(alert)
    _check_threshold(alert, metric)
    _check_recovery(alert, metric)
    _check_group(alert, metric)
    if metric.windows and alert.window not in metric.windows:
        raise wrong("window", f"{metric.title}: choose one of {', '.join(metric.windows)}.")
    if not 0 <= alert.min_requests <= MAX_MIN_REQUESTS:
        raise wrong("minRequests", f"Give a number of calls from 0 to {MAX_MIN_REQUESTS:,}.")
    if alert.min_requests and not metric.counts_calls:
        raise wrong("minRequests", f"{metric.title}: a minimum of calls means nothing here. Leave it at 0.")
    if not 0 <= alert.pending_minutes <= MAX_PENDING_MINUTES:
        raise wrong("pendingMinutes", f"Give 0 to {MAX_PENDING_MINUTES:,} minutes (7 days).")
    again = alert.renotify_minutes
    if again is not None and not LEAST_RENOTIFY <= again <= MOST_RENOTIFY:
        raise wrong("renotifyMinutes", f"Give {LEAST_RENOTIFY} to {MOST_RENOTIFY:,} minutes (30 days), or none.")


def checked_name(given: str) -> str:
    name = " ".join(given.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise wrong("name", f"Give the alert a name of 1 to {MAX_NAME} characters.")
    return name


def checked_rule_scope(session: Session, actor: Actor, metric: Metric, given: Scope) -> Scope:
    """The scope as it is stored. Raises ValidationError, also for a person, key or token of somebody else's."""
    if given.type not in metric.scopes:
        raise wrong("scope", f"{metric.title}: choose one of {', '.join(metric.scopes)}.")
    value = " ".join((given.value or "").split())
    if given.type == "organization" and value:
        raise wrong("scope", "The whole organization has no scope value.")
    if given.type != "organization" and not value:
        raise wrong("scope", f"Say which {given.type} the alert looks at.")
    return checked_scope(session, actor, given)


def checked_channels(session: Session, actor: Actor, given: Sequence[str]) -> list[str]:
    """The ids of channels of the actor's organization, each once. Raises NotFoundError for any other."""
    ids = list(dict.fromkeys(given))
    if len(ids) > MAX_CHANNELS:
        raise wrong("channelIds", f"An alert tells at most {MAX_CHANNELS} channels.")
    query = select(NotificationTarget.id).where(
        col(NotificationTarget.organization_id) == actor.organization_id, col(NotificationTarget.id).in_(ids)
    )
    if ids and len(session.exec(query).all()) != len(ids):
        raise NotFoundError("Channel")
    return ids


def checked_facts(session: Session, actor: Actor, kind: AlertType, given: Mapping[str, Any]) -> dict[str, Any]:
    """An alert's metadata: `budgetId` names a budget of the organization, `emails` people of it who are told too, and
    the rest are short facts of the sender's own. Raises NotFoundError for another budget, ValidationError.
    """
    budget = given.get(BUDGET_ID)
    if budget is not None:
        if kind is not AlertType.BUDGET_EXCEEDED or not isinstance(budget, str):
            raise wrong("metadata", "Only an alert of BUDGET_EXCEEDED names a budget, by its id.")
        if not budget_names(session, actor.organization_id, [budget]):
            raise NotFoundError("Budget")
    short = len(given) <= MAX_FACTS and all(
        len(name) <= MAX_FACT
        and isinstance(value, str | int | float | bool | Decimal | None)
        and len(str(value)) <= MAX_FACT
        for name, value in given.items()
        if name != EMAILS
    )
    if not short:
        raise wrong("metadata", f"Give at most {MAX_FACTS} texts, numbers or flags of {MAX_FACT} characters each.")
    facts = {name: str(value) if isinstance(value, Decimal) else value for name, value in given.items()}
    if EMAILS in given:
        facts[EMAILS] = _known_emails(session, actor, given[EMAILS]) or None
    return {name: value for name, value in facts.items() if value is not None}


def _known_emails(session: Session, actor: Actor, given: Any) -> list[str]:
    """Addresses of people of the organization, each once: to anybody else nothing of it is told."""
    listed = cast("list[object]", given) if isinstance(given, list) else []
    emails = list(dict.fromkeys(each.strip().lower() for each in listed if isinstance(each, str)))
    if not isinstance(given, list) or len(listed) > MAX_FACTS or len(emails) != len(set(map(str, listed))):
        raise wrong("metadata", f"Give emails as a list of at most {MAX_FACTS} addresses, each once.")
    query = select(User.email).where(is_member(actor.organization_id), col(User.email).in_(emails))
    unknown = sorted(set(emails) - set(session.exec(query)))
    if unknown:
        raise wrong("metadata", f"Nobody of your organization has the address {unknown[0][:MAX_FACT]}.")
    return emails


def checked_url(given: str) -> str:
    """A webhook's address that our messages may go to. Raises ValidationError.

    A name that nobody knows now may be known when the message is sent: it is looked at again then, at the connection.
    """
    url = given.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        raise wrong("webhookUrl", "This is no address: its host or port cannot be read.") from None
    if parts.scheme not in ("https", "http") or not host or len(url) > MAX_URL or not url.isprintable():
        raise wrong("webhookUrl", f"Give an address that begins with https://, of at most {MAX_URL} characters.")
    if parts.username or parts.password:
        raise wrong("webhookUrl", "Leave name and password out of the address: messages are signed with a secret.")
    try:
        reachable(host, port, settings().outbound_allowlist)
    except OutboundRefused as error:
        raise wrong("webhookUrl", error.message) from None
    except socket.gaierror:
        pass
    return url


def wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])


def _metric(alert: Alert) -> Metric:
    of_type = METRICS[alert.type]
    if alert.metric not in of_type:
        raise wrong("metric", f"An alert of {alert.type} measures one of {', '.join(of_type)}.")
    metric = metric_of(alert.type, alert.metric)
    if alert.comparison_type not in metric.comparisons:
        allowed = ", ".join(metric.comparisons)
        raise wrong("comparisonType", f"{metric.title}: {alert.comparison_type} means nothing here. Use {allowed}.")
    return metric


def _check_threshold(alert: Alert, metric: Metric) -> None:
    threshold, comparison = alert.threshold, alert.comparison_type
    _check_number("threshold", threshold)
    if comparison is ComparisonType.PERCENT_CHANGE:
        if not threshold:
            raise wrong("threshold", "Give the change in percent: above 0 for a rise, below 0 for a fall.")
        if threshold < -100:
            raise wrong("threshold", "Nothing falls by more than 100 percent.")
        return
    if metric.can_fall:
        if comparison in _RISING and threshold <= 0:
            raise wrong("threshold", "Give how many percent above the usual, more than 0.")
        if comparison not in _RISING and not -100 <= threshold < 0:
            raise wrong("threshold", "Give how many percent below the usual, from -100 to below 0.")
        return
    if threshold < 0:
        raise wrong("threshold", f"{metric.title} is never below 0. Give a threshold of 0 or more.")
    _check_reach(alert, metric)


def _check_reach(alert: Alert, metric: Metric) -> None:
    """A condition that is always true, or never, is none."""
    threshold, comparison = alert.threshold, alert.comparison_type
    if not threshold and comparison is ComparisonType.GREATER_THAN_OR_EQUAL:
        raise wrong("threshold", "0 or more is always true. Give a threshold above 0.")
    if not threshold and comparison is ComparisonType.LESS_THAN:
        raise wrong("threshold", f"{metric.title} is never below 0. Give a threshold above 0.")
    if metric.most is not None:
        never = comparison is ComparisonType.GREATER_THAN and threshold == metric.most
        if comparison is ComparisonType.LESS_THAN_OR_EQUAL and threshold == metric.most:
            raise wrong("threshold", f"{metric.title} is always {metric.most} percent or less. Give a lower threshold.")
        if never or threshold > metric.most:
            raise wrong("threshold", f"{metric.title} is never above {metric.most} percent. Give a lower threshold.")
    if metric.whole and threshold != threshold.to_integral_value():
        raise wrong("threshold", f"{metric.title} are counted. Give a whole number.")


def _check_recovery(alert: Alert, metric: Metric) -> None:
    back = alert.recover_threshold
    if back is None:
        return
    _check_number("recoverThreshold", back)
    if alert.type is AlertType.BUDGET_EXCEEDED or alert.comparison_type is ComparisonType.PERCENT_CHANGE:
        raise wrong("recoverThreshold", "This alert is over when its condition is. Leave the recovery threshold out.")
    if alert.comparison_type in _RISING and back > alert.threshold:
        raise wrong("recoverThreshold", "An alert that waits for more recovers at its threshold or below.")
    if alert.comparison_type not in _RISING and back < alert.threshold:
        raise wrong("recoverThreshold", "An alert that waits for less recovers at its threshold or above.")
    if back < 0 and not metric.can_fall:
        raise wrong("recoverThreshold", f"{metric.title} is never below 0.")


def _check_group(alert: Alert, metric: Metric) -> None:
    given = alert.group_by
    if given is None:
        return
    kind = TAG if given.startswith(TAG) else given
    name = given.removeprefix(TAG)
    if kind == TAG and not name:
        raise wrong("groupBy", "Give the name of the tag to split by, as in tag:feature.")
    if kind not in GROUPS or len(name) > MAX_FACT or not name.isprintable():
        raise wrong("groupBy", f"Choose one of {', '.join(each for each in GROUPS if each != TAG)}, or tag:<name>.")
    if kind not in metric.groups:
        allowed = ", ".join(metric.groups)
        raise wrong("groupBy", f"{metric.title} is not known by {given}." + (f" Use {allowed}." if allowed else ""))


def _check_number(field: str, given: Decimal) -> None:
    if not given.is_finite() or abs(given) > MAX_THRESHOLD:
        raise wrong(field, f"Give a number of at most {MAX_THRESHOLD:,}.")
    exponent = given.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2:
        raise wrong(field, "Give at most two decimal places.")
