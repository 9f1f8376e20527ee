"""The domain of the organization on its page: claimed, looked for in its DNS, joined by, given up."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.errors import GuardianError
from guardian.models.enums import TeamRole
from guardian.services.people import domains
from guardian.services.people.domains import DomainView
from guardian.ui.audited import Work
from guardian.ui.pages.team import changes, rows
from guardian.ui.pages.team.rows import NO_DOMAIN, DomainRow
from guardian.ui.session import NotSignedIn, Page, Said
from guardian.ui.toasts import toast


class Domain(Page, mixin=True):
    """`domain_refusal` says why the domain is not verified, or not claimed; `looking` while its DNS is asked."""

    domain: DomainRow = NO_DOMAIN
    domain_refusal: str = ""
    looking: bool = False

    def _show_domain(self, view: DomainView) -> None:
        self.domain = rows.domain_row(view)

    @rx.event
    async def claim_domain(self, form: dict[str, Any]) -> Said:
        """Say which domain is the organization's."""
        return await self._or_say(changes.claiming(str(form.get("domain", ""))), "")

    @rx.event
    async def verify_domain(self) -> Any:
        """Look for the record in the domain's DNS."""
        self.looking, self.domain_refusal = True, ""
        yield
        try:
            wanted = await self._call(domains.pending_domain)
            # Name servers may take seconds: no transaction waits for them.
            records = await rx.run_in_thread(partial(domains.txt_records, wanted))
            yield await self._or_say(changes.confirming(wanted, records), f"{wanted} is verified.")
        except NotSignedIn:
            raise
        except GuardianError as error:
            self.domain_refusal = error.message
        finally:
            self.looking = False

    @rx.event
    async def choose_join(self, role: str) -> Said:
        """With which role people join by an address at the domain; an empty one: they do not."""
        wanted = TeamRole(role) if role in set(TeamRole) else None
        said = "People with an address there can join." if wanted else "Nobody joins by themselves."
        return await self._or_say(changes.joining_as(wanted), said)

    @rx.event
    async def drop_domain(self) -> Said:
        """Give the domain up."""
        return await self._or_say(changes.dropping(), "The domain is given up.")

    async def _or_say(self, work: Work[DomainView], done: str) -> Said:
        self.domain_refusal = ""
        found = await self._try(work)
        if isinstance(found, GuardianError):
            self.domain_refusal = found.message
            return None
        self._show_domain(found)
        return toast(done) if done else None
