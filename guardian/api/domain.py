"""organization/domain: the domain that an organization proves to be its own, and joining by it."""

from fastapi import APIRouter
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out
from guardian.api.steps import CallDep, route
from guardian.models.enums import TeamRole
from guardian.services.people import domains

api = APIRouter(prefix="/api/v1/organization/domain", tags=["organization"])


class DomainOut(Out):
    """`domain` is verified; `pending` is once its DNS has `record` as a TXT record.

    `joinRole` is what people become who join by an address at the domain; null: they have to be invited.
    """

    domain: str | None
    pending: str | None
    record: str | None
    join_role: TeamRole | None


class DomainBody(Body):
    domain: Line = Field(min_length=1, examples=["acme.com"])


class JoinBody(Body):
    """MEMBER or VIEWER; null: nobody joins by themselves."""

    join_role: TeamRole | None


@route(api, "GET", "", permission="organization:read")
def get_domain(call: CallDep) -> DomainOut:
    """The organization's domain."""
    with call.transaction() as session:
        return DomainOut.model_validate(domains.get_domain(session, call.actor))


@route(api, "PUT", "", permission="organization:update", action="DOMAIN_CLAIM", fails=(409,))
def claim_domain(call: CallDep, body: DomainBody) -> DomainOut:
    """Say which domain is the organization's; the answer says which TXT record proves it."""
    with call.transaction() as session:
        view = domains.claim_domain(session, call.actor, body.domain)
        call.note("domain", view.pending)
        return DomainOut.model_validate(view)


@route(api, "POST", "/verify", permission="organization:update", action="DOMAIN_VERIFY", fails=(409,))
def verify_domain(call: CallDep) -> DomainOut:
    """Look for the TXT record in the domain's DNS, and take the domain as the organization's if it is there."""
    with call.transaction(audited=False) as session:
        wanted = domains.pending_domain(session, call.actor)
    # Name servers may take seconds: no transaction waits for them.
    records = domains.txt_records(wanted)
    with call.transaction() as session:
        view = domains.confirm_domain(session, call.actor, wanted, records)
        call.note("domain", view.domain)
        return DomainOut.model_validate(view)


@route(api, "PATCH", "", permission="organization:update", action="DOMAIN_UPDATE", fails=(409,))
def change_domain(call: CallDep, body: JoinBody) -> DomainOut:
    """Let people with a confirmed address at the domain join by themselves, or no longer."""
    with call.transaction() as session:
        view = domains.change_domain_role(session, call.actor, body.join_role)
        call.note("domain", view.domain, joinRole=view.join_role)
        return DomainOut.model_validate(view)


@route(api, "DELETE", "", permission="organization:update", action="DOMAIN_DELETE", fails=(404,))
def drop_domain(call: CallDep) -> DomainOut:
    """Give the domain up; nobody joins by it any more."""
    with call.transaction() as session:
        call.note("domain", domains.get_domain(session, call.actor).domain)
        return DomainOut.model_validate(domains.drop_domain(session, call.actor))
