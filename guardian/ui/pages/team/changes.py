"""What the page changes, each with its audit row in the same transaction."""

from functools import partial
from typing import Any

from sqlmodel import Session

from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.people import audit, domains, invitations, members, places, teams
from guardian.services.people.domains import DomainView
from guardian.services.people.invitations import InvitationView
from guardian.services.people.members import MemberChange, MemberView
from guardian.services.people.places import PlaceView
from guardian.services.people.teams import TeamView
from guardian.ui.audited import Work, audited
from guardian.ui.pages.team.rows import role_of, tags_of


def inviting(email: str, role: str, team: str) -> Work[InvitationView]:
    def run(session: Session, actor: Actor) -> InvitationView:
        return invitations.invite(session, actor, email, role_of(role), team or None)

    return audited("INVITATION_CREATE", "invitation", run, _about_invitation)


def resending(invitation_id: str) -> Work[InvitationView]:
    work = partial(invitations.resend_invitation, invitation_id=invitation_id)
    return audited("INVITATION_RESEND", "invitation", work, _about_invitation)


def revoking(invitation_id: str) -> Work[InvitationView]:
    work = partial(invitations.revoke_invitation, invitation_id=invitation_id)
    return audited("INVITATION_REVOKE", "invitation", work, _about_invitation)


def changing_member(member_id: str, role: str, team: str) -> Work[MemberView]:
    def run(session: Session, actor: Actor) -> MemberView:
        return members.update_member(session, actor, member_id, MemberChange(role=role_of(role), team=team))[1]

    return audited("MEMBER_UPDATE", "member", run, _about_member)


def removing(member_id: str) -> Work[MemberView]:
    return audited("MEMBER_REMOVE", "member", partial(members.remove_member, member_id=member_id), _about_member)


def transferring(member_id: str) -> Work[MemberView]:
    work = partial(members.transfer_ownership, member_id=member_id)
    return audited("ORGANIZATION_TRANSFER", "member", work, _about_member)


def saving_team(team_id: str, name: str, tags: str) -> Work[TeamView]:
    """Make the team, or change the one with that id."""

    def run(session: Session, actor: Actor) -> TeamView:
        if not team_id:
            return teams.create_team(session, actor, name, tags_of(tags))
        return teams.update_team(session, actor, team_id, name=name, default_tags=tags_of(tags))[1]

    return audited("TEAM_UPDATE" if team_id else "TEAM_CREATE", "team", run, _about_team)


def deleting_team(team_id: str) -> Work[TeamView]:
    return audited("TEAM_DELETE", "team", partial(teams.delete_team, team_id=team_id), _about_team)


def leaving(session: Session, actor: Actor) -> PlaceView | None:
    mine = actor.organization_id
    work = audited("ORGANIZATION_LEAVE", "organization", places.leave_organization, lambda _went: (mine, {}))
    return work(session, actor)


def deleting_organization(name: str) -> Work[PlaceView | None]:
    def run(session: Session, actor: Actor) -> PlaceView | None:
        # Before it goes: its chain of the audit log stays, and ends with this.
        mine = actor.organization_id
        facts = places.facts_of(session, actor)
        audit.record(
            session, actor, "ORGANIZATION_DELETE", resource_type="organization", resource_id=mine, before=facts
        )
        return places.delete_organization(session, actor, name)

    return run


def claiming(domain: str) -> Work[DomainView]:
    work = partial(domains.claim_domain, domain=domain)
    return audited("DOMAIN_CLAIM", "domain", work, lambda view: (view.pending, {}))


def confirming(domain: str, records: list[str]) -> Work[DomainView]:
    work = partial(domains.confirm_domain, domain=domain, records=records)
    return audited("DOMAIN_VERIFY", "domain", work, lambda view: (view.domain, {}))


def joining_as(role: TeamRole | None) -> Work[DomainView]:
    work = partial(domains.change_domain_role, role=role)
    return audited("DOMAIN_UPDATE", "domain", work, lambda view: (view.domain, {"joinRole": role}))


def dropping() -> Work[DomainView]:
    return audited("DOMAIN_DELETE", "domain", domains.drop_domain, lambda _view: (None, {}))


def _about_invitation(view: InvitationView) -> tuple[str, dict[str, Any]]:
    return view.id, {"email": view.email, "role": view.role, "team": view.team}


def _about_member(view: MemberView) -> tuple[str, dict[str, Any]]:
    return view.id, {"email": view.email, "role": view.role, "team": view.team}


def _about_team(view: TeamView) -> tuple[str, dict[str, Any]]:
    return view.id, {"name": view.name, "defaultTags": dict(view.default_tags)}
