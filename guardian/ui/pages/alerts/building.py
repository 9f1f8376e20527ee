"""The builder: the part of the State that follows what is chosen and typed, says it in a sentence, and replays it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import reflex as rx
from sqlmodel import Session

from guardian.errors import GuardianError, ValidationError
from guardian.periods import zone
from guardian.services.actor import Actor
from guardian.services.guard import alerts, previews
from guardian.services.guard.alerts import SavedAlert
from guardian.services.guard.alerts.recipients import CHANNEL_NAMES
from guardian.services.guard.budgets import Scope, list_budgets, targets_of
from guardian.services.guard.notices import list_targets
from guardian.ui.dialogs import Dialogs
from guardian.ui.pages.alerts import changes, words
from guardian.ui.pages.alerts.draft import EMPTY, READY, SWITCHES, Draft, draft_of, told, wanted
from guardian.ui.pages.alerts.previewed import NO_PREVIEW, PreviewRow, preview_row
from guardian.ui.rows import Option
from guardian.ui.toasts import toast

Said: TypeAlias = Any
SECRET_FIELD = "webhook-secret"  # noqa: S105  # the name of an element
# Scopes whose values are chosen from a list; those of the others are typed.
_CHOSEN = ("user", "provider", "key", "token")


class Building(Dialogs, mixin=True):
    """The open builder. `draft` follows every choice; `shown` is what its text fields began with, so that typing never
    changes them. Each filling in is another `edition`, which makes the fields anew. A webhook's secret goes to the
    browser with the answer, once, and is in no var.
    """

    building: bool = False
    edition: int = 0
    draft: Draft = EMPTY
    shown: Draft = EMPTY
    sentence: str = ""
    wrong: str = ""
    preview: PreviewRow = NO_PREVIEW
    replaying: bool = False
    made: str = ""

    comparisons: list[Option] = []
    windows: list[Option] = []
    scopes: list[Option] = []
    groups: list[Option] = []
    values: list[Option] = []
    picked: bool = False
    budgets: list[Option] = []
    channels: list[Option] = []
    waits: list[Option] = []
    repeats: list[Option] = []
    unit: str = ""

    @rx.event
    async def open_new(self, ready: str) -> Said:
        """Show the builder for a new alert, filled in with one of those that are ready made, or nearly empty."""
        (await self._actor()).require("alerts:create")
        return await self._open_builder(READY.get(ready, EMPTY))

    @rx.event
    async def open_edit(self, alert_id: str) -> Said:
        """Show the builder for an alert that there is."""
        view = await self._call(lambda session, actor: alerts.get_alert(session, actor, alert_id))
        return await self._open_builder(draft_of(view))

    @rx.event
    async def choose(self, field: str, value: str) -> Said:
        """A choice of a list: the rest follows it."""
        await self._actor()
        before = self.draft
        self.draft = told(before, {field: value, **({"of": ""} if field == "scope" and value != before.scope else {})})
        if self.draft.of != before.of:
            self.shown = replace(self.shown, of="")
        await self._offer()
        return await self._say()

    @rx.event
    async def type_text(self, field: str, value: str) -> Said:
        """What stands in a text field now."""
        await self._actor()
        self.draft = told(self.draft, {field: value})
        return await self._say()

    @rx.event
    async def switch_on(self, field: str, on: bool) -> Said:
        """Whom to tell: mail, slack, webhook, or a channel by its id."""
        await self._actor()
        if field in SWITCHES:
            self.draft = replace(self.draft, **{field: on})
        else:
            others = tuple(each for each in self.draft.channels if each != field)
            self.draft = replace(self.draft, channels=(*others, field) if on else others)
        return await self._say()

    @rx.event
    async def save(self, form: dict[str, Any]) -> Said:
        """Make or change the alert; a webhook that is new shows its secret, once."""
        await self._actor()
        try:
            draft = self.draft = told(self.draft, form)
        except ValidationError as error:
            return self._refuse(error)
        saved = await self._try(partial(_store, draft=draft))
        if isinstance(saved, GuardianError):
            return self._refuse(saved)
        was_new = not draft.id
        self._close_builder()
        await self._refresh()
        if saved.secret is not None:
            self.made = saved.alert.name
            return rx.set_value(SECRET_FIELD, saved.secret)
        return toast(f"{saved.alert.name} is {'watched' if was_new else 'changed'}.")

    @rx.event
    async def rotate(self, alert_id: str) -> Said:
        """A new secret for the webhook of an alert, shown once; the old one signs too for a day."""
        saved = await self._call(changes.rotating(alert_id))
        self.made = saved.alert.name
        return rx.set_value(SECRET_FIELD, saved.secret)

    @rx.event
    async def close_builder(self) -> None:
        """Close the builder, or the dialog with the secret."""
        await self._actor()
        self._close_builder()

    @rx.event(background=True)
    async def replay(self) -> None:
        """Play the alert that is being built through the last 30 days; what changed meanwhile is played again."""
        await self._actor()
        async with self:
            if self.replaying:
                return
            self.replaying = True
        try:
            while True:
                async with self:
                    draft = self.draft
                    zone_name = self.viewer.zone or "UTC"
                found = await self._replayed(draft)
                async with self:
                    if self.draft == draft or not self.building:
                        self.preview = preview_row(found, zone(zone_name)) if found and self.building else NO_PREVIEW
                        return
        finally:
            async with self:
                self.replaying = False

    async def _replayed(self, draft: Draft) -> previews.AlertPreview | None:
        """None for what is not a whole alert yet: the builder says what it lacks."""
        found = await self._try(partial(_replay, draft=draft))
        return None if isinstance(found, GuardianError) else found

    async def _open_builder(self, draft: Draft) -> Said:
        self.draft = self.shown = draft
        self.edition += 1
        self.refusal, self.preview, self.building, self.made = "", NO_PREVIEW, True, ""
        await self._offer()
        return await self._say()

    def _close_builder(self) -> None:
        self.building, self.made, self.refusal = False, "", ""
        self.draft = self.shown = EMPTY
        self.preview = NO_PREVIEW

    async def _offer(self) -> None:
        """The choices that go with what is watched."""
        draft = self.draft
        metric = draft.metric
        self.comparisons, self.windows = words.comparisons(metric), words.windows(metric)
        self.scopes, self.groups = words.scopes(metric), words.groups(metric)
        # Another client may have set a time that is none of the list, which a list without it would change.
        self.waits = words.with_current(words.PENDING, draft.pending, f"after {draft.pending} minutes")
        self.repeats = words.with_current(words.AGAIN, draft.again, f"every {draft.again} minutes")
        self.unit = words.UNITS[metric.unit]
        self.values, self.budgets, self.channels = await self._call(
            lambda session, actor: _lists(session, actor, draft)
        )
        self.picked = draft.scope in _CHOSEN

    async def _say(self) -> Said:
        """The sentence of what is built, or what it lacks; then it is played through the past."""
        said = await self._try(partial(_describe, draft=self.draft))
        if isinstance(said, GuardianError):
            self.wrong, self.preview = said.message, NO_PREVIEW
            return None
        self.wrong, self.sentence = "", said
        return self.__class__.replay


def _store(session: Session, actor: Actor, draft: Draft) -> SavedAlert:
    """Make the alert, or change the one that the draft is of; what it keeps besides stays."""
    facts: Mapping[str, Any] = alerts.get_alert(session, actor, draft.id).metadata if draft.id else {}
    return changes.storing(draft.id, wanted(draft, whole=True, facts=facts))(session, actor)


def _replay(session: Session, actor: Actor, draft: Draft) -> previews.AlertPreview:
    return previews.preview_alert(session, actor, wanted(draft, whole=False))


def _describe(session: Session, actor: Actor, draft: Draft) -> str:
    return previews.described(session, actor, wanted(draft, whole=False))


def _lists(session: Session, actor: Actor, draft: Draft) -> tuple[list[Option], list[Option], list[Option]]:
    """What the scope may be of, the budgets, and the channels."""
    kind = Scope(draft.scope).type  # pyright: ignore[reportArgumentType]  # fitted() knows it
    values = (
        [] if kind == "organization" else [Option(each.value, each.name) for each in targets_of(session, actor, kind)]
    )
    if draft.of and kind in _CHOSEN:
        values = words.with_current(values, draft.of, "what it is now")
    budgets = [Option("", "every budget"), *(Option(each.id, each.name) for each in list_budgets(session, actor))]
    if draft.budget:
        budgets = words.with_current(budgets, draft.budget, "a budget that was deleted")
    channels = [
        Option(each.id, f"{each.name} ({CHANNEL_NAMES[each.kind]})")
        for each in list_targets(session, actor)
        if each.is_active or each.id in draft.channels
    ]
    return values, budgets, channels
