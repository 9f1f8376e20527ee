"""The channels of the settings: where messages go, added, tried, renewed and deleted."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any, TypeVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import GuardianError
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard import notices
from guardian.services.guard.notices import NewTarget, Outcome, TargetView
from guardian.ui.audited import Work, audited
from guardian.ui.pages.settings import channel_rows
from guardian.ui.pages.settings.channel_rows import NO_CHANNEL, ChannelRow
from guardian.ui.session import Page, Said
from guardian.ui.toasts import error_toast, toast

T = TypeVar("T")

SECRET_FIELD = "channel-secret"  # noqa: S105  # the name of an element


class Channels(Page, mixin=True):
    """The section's part of the settings. A webhook's secret goes to the browser once and is never in a var."""

    channels: list[ChannelRow] = []
    may_change_channels: bool = False
    channel_dialog: str = ""
    channel: ChannelRow = NO_CHANNEL
    channel_kind: str = "EMAIL"
    channel_made: str = ""
    channel_refusal: str = ""
    channel_tried: str = ""

    def _show_channels(self, views: list[TargetView]) -> None:
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        self.channels = [channel_rows.channel_row(each, now, tz) for each in views]
        self.may_change_channels = "channels:update" in self.viewer.permissions

    @rx.event
    async def open_add_channel(self) -> None:
        """Show the form of a new channel."""
        (await self._actor()).require("channels:update")
        self._open("add", NO_CHANNEL)
        self.channel_kind = "EMAIL"

    @rx.event
    async def choose_channel_kind(self, kind: str) -> None:
        """Ask for what that kind needs."""
        await self._actor()
        self.channel_kind, self.channel_refusal = kind[:20], ""

    @rx.event
    async def add_channel(self, form: dict[str, Any]) -> Said:
        """Keep a new channel; a webhook's secret comes back once."""

        def make(session: Session, actor: Actor) -> tuple[TargetView, str | None]:
            return notices.create_target(session, actor, channel_rows.wanted(form))

        found = await self._try_channel(audited("CHANNEL_CREATE", "channel", make, lambda made: _about(made[0])))
        if isinstance(found, GuardianError):
            return None
        view, secret = found
        await self._refresh()
        if secret is None:
            self._open("", NO_CHANNEL)
            return toast(f"{view.name} is added. Send it a test.")
        self.channel_made = view.name
        return rx.set_value(SECRET_FIELD, secret)

    @rx.event
    async def open_channel(self, channel_id: str, which: str) -> None:
        """Show the dialog that edits, renews or deletes that channel."""
        view = await self._call(partial(notices.get_target, target_id=channel_id))
        row = channel_rows.channel_row(view, utcnow(), zone(self.viewer.zone or "UTC"))
        self._open(which if which in ("edit", "renew", "delete") else "", row)
        self.channel_kind = row.kind

    @rx.event
    async def save_channel(self, form: dict[str, Any]) -> Said:
        """Rename the channel of the open dialog, and give it new settings where any are given."""
        return await self._change(channel_rows.changed(form), "{} is saved.")

    @rx.event
    async def switch_channel(self, channel_id: str, active: bool) -> Said:
        """Switch a channel off, or on again."""
        self._open("", ChannelRow(id=channel_id))
        return await self._change(
            NewTarget(is_active=active), "{} is switched on." if active else "{} is switched off."
        )

    @rx.event
    async def renew_secret(self) -> Said:
        """Give the webhook of the open dialog a new secret, which comes back once."""
        work = partial(notices.rotate_secret, target_id=self.channel.id)
        found = await self._try_channel(audited("CHANNEL_ROTATE", "channel", work, lambda renewed: _about(renewed[0])))
        if isinstance(found, GuardianError):
            return None
        view, secret = found
        await self._refresh()
        self.channel_made = view.name
        return rx.set_value(SECRET_FIELD, secret)

    @rx.event
    async def delete_channel(self) -> Said:
        """Delete the channel of the open dialog."""
        work = partial(notices.delete_target, target_id=self.channel.id)
        view = await self._try_channel(audited("CHANNEL_DELETE", "channel", work, _about))
        if isinstance(view, GuardianError):
            return None
        self._open("", NO_CHANNEL)
        await self._refresh()
        return toast(f"{view.name} is deleted.")

    @rx.event
    async def test_channel(self, channel_id: str) -> AsyncGenerator[Said]:
        """Send a test now, and say what came of it."""
        under = await self._call(partial(notices.target_under_test, target_id=channel_id))
        self.channel_tried = channel_id
        yield None
        try:
            outcome: Outcome = await rx.run_in_thread(partial(notices.send_test, under))
            record = partial(notices.record_test, target_id=channel_id, under=under, outcome=outcome)
            await self._call(
                audited(
                    "CHANNEL_TEST",
                    "channel",
                    record,
                    lambda view: (view.id, {"name": view.name, "success": outcome.taken}),
                )
            )
            await self._refresh()
        finally:
            self.channel_tried = ""
        if outcome.taken:
            yield toast(f"{under.name} has taken the test.")
        else:
            yield error_toast(outcome.error)

    @rx.event
    async def close_channel(self) -> None:
        """Close the dialog."""
        await self._actor()
        self._open("", NO_CHANNEL)

    async def _change(self, wanted: NewTarget, said: str) -> Said:
        work = partial(notices.update_target, target_id=self.channel.id, wanted=wanted)
        view = await self._try_channel(audited("CHANNEL_UPDATE", "channel", work, _about))
        if isinstance(view, GuardianError):
            if not self.channel_dialog:
                raise view
            return None
        self._open("", NO_CHANNEL)
        await self._refresh()
        return toast(said.format(view.name))

    async def _try_channel(self, work: Work[T]) -> T | GuardianError:
        """`_try`, with a refusal said in the dialog."""
        found = await self._try(work)
        self.channel_refusal = found.message if isinstance(found, GuardianError) else ""
        return found

    def _open(self, which: str, row: ChannelRow) -> None:
        self.channel_dialog, self.channel, self.channel_made, self.channel_refusal = which, row, "", ""

    @classmethod
    def _read_channels(cls, session: Session, actor: Actor) -> list[TargetView]:
        return notices.list_targets(session, actor)


def _about(view: TargetView) -> tuple[str, dict[str, Any]]:
    return view.id, {"name": view.name, "kind": view.kind.value, "hint": view.hint, "active": view.is_active}
