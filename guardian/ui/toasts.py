"""Toasts: one line in the corner that goes by itself. Reflex sends one as a script to evaluate, which the policy of our
pages forbids; here the same is sent as data, and the client is taught to show it.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import reflex as rx
from reflex.event import server_side  # pyright: ignore[reportUnknownVariableType]  # its kwargs have no types
from reflex.plugins.base import Plugin

from guardian.errors import ConfigurationError
from guardian.models.enums import AlertState

_EVENT = "_guardian_toast"
_ERROR_SECONDS = 10
_SPEAKING: Mapping[str, str] = {
    AlertState.FIRING: "warning",
    AlertState.NO_DATA: "warning",
    AlertState.RECOVERED: "success",
}
_MOST_ALARMS = 3
_ANCHOR = '  if (event.name == "_set_value") {\n'
_SHOWN = (
    f'  if (event.name == "{_EVENT}") {{\n'
    "    const { message, ...options } = event.payload;\n"
    '    refs["__toast"]?.[options.tone](message, options);\n'
    "    return;\n"
    "  }\n\n"
)


class ToastPlugin(Plugin):
    """Teaches Reflex's client to show our toasts."""

    def pre_compile(self, **context: Any) -> None:
        context["add_modify_task"]("utils/state.js", show_toasts)


def show_toasts(source: str) -> str:
    """Reflex's client that knows our event. Raises ConfigurationError when it no longer fits."""
    if _SHOWN in source:
        return source
    if source.count(_ANCHOR) != 1:
        raise ConfigurationError("This version of Reflex handles its events in another way: adapt toasts.py.")
    return source.replace(_ANCHOR, _SHOWN + _ANCHOR)


def toast(message: str) -> rx.event.EventSpec:
    """Say that something was done."""
    return _send(message, "success", "", 4)


def error_toast(message: str, detail: str = "") -> rx.event.EventSpec:
    """Say what went wrong; `detail` is what to quote about it."""
    return _send(message, "error", detail, _ERROR_SECONDS)


def alarm_toasts(alarms: Sequence[Mapping[str, Any]]) -> list[rx.event.EventSpec]:
    """What alerts say, one toast each and at most so many: what fires, has no data or is over; the rest is no news."""
    spoken = [each for each in alarms if each.get("sentence") and each.get("state") in _SPEAKING]
    found = [
        _send(str(each["name"]), _SPEAKING[each["state"]], str(each["sentence"]), _ERROR_SECONDS)
        for each in spoken[:_MOST_ALARMS]
    ]
    more = len(spoken) - len(found)
    if more:
        found.append(_send(f"{more} more alerts", "warning", "They are on the page Alerts.", _ERROR_SECONDS))
    return found


def _send(message: str, tone: str, description: str, seconds: int) -> rx.event.EventSpec:
    return server_side(
        _EVENT,
        inspect.signature(_send),
        message=message,
        tone=tone,
        description=description,
        duration=seconds * 1000,
        closeButton=tone != "success",
    )
