"""PagerDuty: events of its Events API v2; one incident for each group of an alert, resolved when it recovers.

https://developer.pagerduty.com/docs/send-alert-event states shape and limits.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from guardian.channels.base import ChannelError, Sent
from guardian.channels.facts import OPEN, causes, clip, facts, title
from guardian.channels.notice import Notice
from guardian.channels.posting import post_json
from guardian.models.enums import AlertState
from guardian.periods import rfc3339

EVENTS_URL = "https://events.pagerduty.com"
_PATH = "/v2/enqueue"
_SUMMARY, _SOURCE, _KEY, _VALUE = 1024, 255, 255, 1000
_ACTIONS = {
    AlertState.RECOVERED: "resolve",
    AlertState.OK: "resolve",
    AlertState.ACKNOWLEDGED: "acknowledge",
    AlertState.SNOOZED: "acknowledge",
}


def send(config: Mapping[str, Any], notice: Notice, *, message_id: str) -> Sent:
    """Trigger, acknowledge or resolve the incident of the notice's group. Raises ChannelError.

    A test opens an incident of its own and resolves it again.
    """
    if notice.kind == "report":
        raise ChannelError("PagerDuty takes alerts, and no reports.", permanent=True)
    url = events_url(config.get("url"))
    sent = _post(url, payload(config["routingKey"], notice))
    if notice.kind == "test":
        _post(url, {**payload(config["routingKey"], notice), "event_action": "resolve"})
    return sent


def events_url(base: str | None) -> str:
    """Where events go: PagerDuty's own place, that of its European region, or whatever the settings name instead."""
    base = (base or EVENTS_URL).rstrip("/")
    return base + _PATH if urlsplit(base).path == "" else base


def payload(routing_key: str, notice: Notice) -> dict[str, Any]:
    """The body of the POST."""
    told: dict[str, str] = {name: clip(value, _VALUE) for name, value in facts(notice)}
    if notice.causes:
        told["What changed"] = "\n".join(clip(line, _VALUE) for line in causes(notice))
    return {
        "routing_key": routing_key,
        "event_action": "trigger" if notice.kind == "test" else _ACTIONS.get(notice.state, "trigger"),
        "dedup_key": dedup_key(notice),
        "client": "AI Cost Guardian",
        "client_url": notice.url,
        "links": [{"href": notice.url, "text": OPEN}],
        "payload": {
            "summary": clip(f"{title(notice)}. {notice.sentence}", _SUMMARY),
            "source": clip(notice.organization or "AI Cost Guardian", _SOURCE),
            "severity": "info" if notice.kind == "test" else notice.severity,
            "timestamp": rfc3339(notice.occurred_at),
            "component": clip(notice.name, _SOURCE),
            "group": clip(notice.group, _SOURCE),
            "class": notice.type,
            "custom_details": told,
        },
    }


def dedup_key(notice: Notice) -> str:
    """What all events of one group of one alert share, so that they are one incident."""
    group = notice.transition.rpartition("#")[0]
    key = f"guardian/{notice.alert_id}/{notice.transition if notice.kind == 'test' else group}"
    # Groups are named by what comes from outside, and may be longer than PagerDuty's keys.
    return key if len(key) <= _KEY else f"guardian/{hashlib.sha256(key.encode()).hexdigest()}"


def _post(url: str, event: dict[str, Any]) -> Sent:
    return post_json(url, event, who="PagerDuty", reference=event["dedup_key"])
