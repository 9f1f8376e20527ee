"""From the audit log's views to the text that the page shows: pure functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from guardian.services.people.views import ActivityView
from guardian.ui import format
from guardian.ui.pages.settings.sentences import SENTENCES
from guardian.ui.rows import Moment


@dataclass(frozen=True)
class ActivityRow:
    """A line of the log; `href` opens it, `person_href` finds the person's lines."""

    id: str
    what: str
    thing: str
    who: str
    through: str
    person_href: str
    address: str
    when: Moment
    href: str


@dataclass(frozen=True)
class Difference:
    """One value of a thing before and after; a dash where there is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Detail:
    """The line that is open; `id` is empty while none is."""

    id: str = ""
    what: str = ""
    code: str = ""
    number: str = ""
    who: str = ""
    through: str = ""
    when: str = ""
    address: str = ""
    request: str = ""
    kind: str = ""
    thing: str = ""
    thing_href: str = ""
    facts: tuple[Difference, ...] = ()
    changes: tuple[Difference, ...] = ()
    others: str = ""


NO_DETAIL = Detail()
_NONE = "–"
_NOBODY = "Nobody signed in"


def words(action: str) -> str:
    """What people call an action: KEY_CREATE is Stored a key; what has no sentence is its name."""
    said = SENTENCES.get(action.upper().replace(".", "_")) or action.replace("_", " ").replace(".", " ").lower()
    return said[:1].upper() + said[1:]


def activity_row(view: ActivityView, href: str, now: datetime, tz: ZoneInfo) -> ActivityRow:
    return ActivityRow(
        id=view.id,
        what=words(view.action),
        thing=_thing(view),
        who=_who(view),
        through=f"by {view.impersonator}" if view.impersonator else "",
        person_href=f"/activity?person={view.user_id}" if view.user_id else "",
        address=view.ip_address or "",
        when=Moment.of(view.created_at, now, tz),
        href=href,
    )


def detail(view: ActivityView, tz: ZoneInfo) -> Detail:
    names = [*view.before, *(name for name in view.after if name not in view.before)]
    return Detail(
        id=view.id,
        what=words(view.action),
        code=view.action,
        number=format.number(view.sequence),
        who=_who(view),
        through=view.impersonator or "",
        when=format.absolute(view.created_at, tz),
        address=view.ip_address or _NONE,
        request=view.request_id or _NONE,
        kind=view.resource_type or _NONE,
        thing=view.resource_id or "",
        thing_href=f"/activity?resourceId={view.resource_id}" if view.resource_id else "",
        facts=tuple(Difference(name, "", text(value)) for name, value in view.metadata.items()),
        changes=tuple(Difference(name, _side(view.before, name), _side(view.after, name)) for name in names),
        others=json.dumps(list(view.also), indent=2, ensure_ascii=False) if view.also else "",
    )


def text(value: Any) -> str:
    """A value of the log as one line."""
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _side(values: Mapping[str, Any], name: str) -> str:
    return text(values[name]) if name in values else _NONE


def _who(view: ActivityView) -> str:
    if view.actor:
        return view.actor
    return "Somebody who is gone" if view.user_id else _NOBODY


def _thing(view: ActivityView) -> str:
    told: object = view.metadata.get("name") or view.metadata.get("label") or view.metadata.get("email")
    name = told if isinstance(told, str) else view.after.get("name") or view.before.get("name") or view.name
    if isinstance(name, str):
        return name
    return f"{view.resource_type or ''} {format.short_id(view.resource_id)}".strip() if view.resource_id else ""
