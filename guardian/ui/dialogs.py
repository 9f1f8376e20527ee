"""The one dialog that a page may have open: the part of its State that guardian.ui.components.dialog shows."""

from collections.abc import Callable
from typing import TypeVar

import reflex as rx

from guardian.errors import GuardianError, ValidationError
from guardian.ui.audited import Work
from guardian.ui.session import Page, Said

T = TypeVar("T")
_MOST_TYPED = 200  # characters


class Dialogs(Page, mixin=True):
    """`dialog` names the open one, "" none. `typed` confirms what cannot be undone; `refusal` says why it was refused.

    A page that says in a dialog what it is about adds that to `_open`.
    """

    dialog: str = ""
    typed: str = ""
    refusal: str = ""

    @rx.event
    async def close(self) -> None:
        """Close the dialog."""
        await self._actor()
        self._open("")

    @rx.event
    async def type_name(self, text: str) -> None:
        """What is typed to confirm."""
        await self._actor()
        self.typed = text[:_MOST_TYPED]

    def _open(self, dialog: str) -> None:
        """Show that dialog, or none; nothing is typed in it yet, and nothing refused."""
        self.dialog, self.typed, self.refusal = dialog, "", ""

    def _refuse(self, error: GuardianError) -> None:
        """Say it in the dialog."""
        self.refusal = error.message

    def _confirm(self, word: str, what: str) -> None:
        """Raises ValidationError unless `word` is typed; `what` it confirms ("delete this key")."""
        if self.typed != word:
            raise ValidationError(f"Type {word} to {what}.")

    async def _or_refuse(self, work: Work[T], done: Callable[[T], Said], *, leaves: bool = False) -> Said:
        """Do what the open dialog asks for and close it, and say what is `done`; a refusal is said in it, and it stays.

        The page is read anew, unless what is done `leaves` it.
        """
        found = await self._try(work)
        if isinstance(found, GuardianError):
            self._refuse(found)
            return None
        self._open("")
        if not leaves:
            await self._refresh()
        return done(found)
