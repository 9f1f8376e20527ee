"""What the alerts page changes, each with its audit row, under the same names as over REST."""

from typing import Any

from guardian.services.guard import alerts
from guardian.services.guard.alerts import AlertView, NewAlert, NotificationView, SavedAlert
from guardian.ui.audited import Work, audited


def storing(alert_id: str, wanted: NewAlert) -> Work[SavedAlert]:
    """Make an alert, or change the one of that id."""
    if alert_id:
        return audited(
            "ALERT_UPDATE", "alert", lambda s, who: alerts.update_alert(s, who, alert_id, wanted), _about_saved
        )
    return audited("ALERT_CREATE", "alert", lambda s, who: alerts.create_alert(s, who, wanted), _about_saved)


def switching(alert_id: str, on: bool) -> Work[SavedAlert]:
    return storing(alert_id, NewAlert(is_active=on))


def deleting(alert_id: str) -> Work[AlertView]:
    return audited("ALERT_DELETE", "alert", lambda s, who: alerts.delete_alert(s, who, alert_id), _about)


def rotating(alert_id: str) -> Work[SavedAlert]:
    return audited("ALERT_SECRET_ROTATE", "alert", lambda s, who: alerts.rotate_secret(s, who, alert_id), _about_saved)


def testing(alert_id: str) -> Work[list[NotificationView]]:
    def about(sent: list[NotificationView]) -> tuple[str | None, dict[str, Any]]:
        return alert_id, {"recipients": [each.recipient for each in sent]}

    return audited("ALERT_TEST", "alert", lambda s, who: alerts.test_alert(s, who, alert_id), about)


def acknowledging(alert_id: str, group: str | None) -> Work[AlertView]:
    return audited("ALERT_ACKNOWLEDGE", "alert", lambda s, who: alerts.acknowledge(s, who, alert_id, group), _about)


def snoozing(alert_id: str, hours: int, group: str | None) -> Work[AlertView]:
    return audited(
        "ALERT_SNOOZE", "alert", lambda s, who: alerts.snooze(s, who, alert_id, hours=hours, group=group), _about
    )


def _about_saved(saved: SavedAlert) -> tuple[str | None, dict[str, Any]]:
    return _about(saved.alert)


def _about(view: AlertView) -> tuple[str | None, dict[str, Any]]:
    return view.id, {
        "name": view.name,
        "type": view.type,
        "metric": view.metric,
        "threshold": format(view.threshold, "f"),
        "comparison": view.comparison_type,
        "active": view.is_active,
        "tells": list(view.tells),
    }
