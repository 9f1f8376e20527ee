"""Who is told when the people of an organization change: its open pages, and gateways, which hold tokens in memory."""

from functools import partial

from sqlmodel import Session

from guardian import db, live


def tell_team_changed(session: Session, organization_id: str, *, gateways: bool = False) -> None:
    """After the commit: `team:update` to the organization's pages, and with `gateways` what they hold is dropped."""
    db.after_commit(session, partial(live.publish, "org", organization_id, live.TEAM_UPDATE))
    if gateways:
        db.after_commit(session, partial(live.tell_gateways, organization_id))


def tell_person_moved(session: Session, user_id: str) -> None:
    """After the commit: the person's own open pages, which show another organization now."""
    db.after_commit(session, partial(live.publish, "user", user_id, live.TEAM_UPDATE))
