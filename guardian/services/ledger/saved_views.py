"""Saved views: a page's filters under a name, for oneself or for the whole organization."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import Select

from guardian.errors import AuthorizationError, NotFoundError, ValidationError
from guardian.models import SavedView, User
from guardian.services.actor import Actor

# The pages whose address holds all that they show.
PAGES = ("usage",)
MAX_NAME = 100
MAX_QUERY = 4_000  # what every server and proxy still takes as one line, with room to spare
MAX_VIEWS = 200  # of one person
_QUERY = re.compile(r"[!-~]*")  # as addresses are written: printable ASCII, the rest in percent signs


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewOfPage:
    """A saved view. `query` is the page's URL query without its question mark; `mine` and `may_change` are the asker's.

    `owner` is how people know the person who saved it.
    """

    id: str
    page: str
    name: str
    query: str
    shared: bool
    owner: str
    user_id: str
    created_at: datetime
    updated_at: datetime
    mine: bool
    may_change: bool


def list_views(session: Session, actor: Actor, page: str | None = None) -> tuple[ViewOfPage, ...]:
    """One's own views and those that are shared in the organization, by name. Raises AuthorizationError."""
    actor.require("usage:read")
    query = _visible(actor).order_by(func.lower(SavedView.name), col(SavedView.id))
    if page is not None:
        query = query.where(SavedView.page == page)
    return tuple(_view(actor, row, owner) for row, owner in session.exec(query))


def get_view(session: Session, actor: Actor, view_id: str) -> ViewOfPage:
    """One view. Raises AuthorizationError, and NotFoundError for one that the actor cannot see."""
    actor.require("usage:read")
    return _view(actor, *_find(session, actor, view_id))


def create_view(
    session: Session, actor: Actor, *, page: str, name: str, query: str, shared: bool = False
) -> ViewOfPage:
    """Keep a page's query under a name. Raises AuthorizationError (also for who may not share), and ValidationError."""
    actor.require("usage:read")
    if shared:
        actor.require("views:share")
    if page not in PAGES:
        raise _wrong("page", f"Choose one of these pages: {', '.join(PAGES)}.")
    mine = session.exec(select(func.count()).where(SavedView.user_id == actor.user_id)).one()
    if mine >= MAX_VIEWS:
        raise _wrong("name", f"You have {MAX_VIEWS} saved views, which is as many as fit. Delete one first.")
    row = SavedView(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        page=page,
        name=_free_name(session, actor, page, name),
        query=_checked_query(query),
        shared=shared,
    )
    session.add(row)
    session.flush()
    return get_view(session, actor, row.id)


def update_view(
    session: Session,
    actor: Actor,
    view_id: str,
    *,
    name: str | None = None,
    query: str | None = None,
    shared: bool | None = None,
) -> ViewOfPage:
    """Rename, share or stop sharing, or point to another query. One's own; an administrator also what others share.

    Raises NotFoundError, AuthorizationError, ValidationError.
    """
    row, owner = _changeable(session, actor, view_id)
    if shared:
        actor.require("views:share")
    if name is not None and " ".join(name.split()) != row.name:
        row.name = _free_name(session, actor, row.page, name)
    if query is not None:
        row.query = _checked_query(query)
    if shared is not None:
        row.shared = shared
    session.flush()
    # Not read again: an administrator no longer sees what they have just stopped sharing.
    return _view(actor, row, owner)


def delete_view(session: Session, actor: Actor, view_id: str) -> ViewOfPage:
    """Delete one's own view, or as an administrator one that others share; what it was. Raises as update_view does."""
    row, owner = _changeable(session, actor, view_id)
    gone = _view(actor, row, owner)
    session.delete(row)
    session.flush()
    return gone


def _visible(actor: Actor) -> Select[SavedView, str]:
    """The query of (SavedView, its owner as people know them)."""
    owner: Mapped[str] = cast("Any", func.coalesce(func.nullif(col(User.name), ""), col(User.email)))
    return (
        select(SavedView, owner)
        .join(User, col(User.id) == col(SavedView.user_id))
        .where(
            SavedView.organization_id == actor.organization_id,
            or_(col(SavedView.shared), SavedView.user_id == actor.user_id),
        )
    )


def _find(session: Session, actor: Actor, view_id: str) -> tuple[SavedView, str]:
    found = session.exec(_visible(actor).where(SavedView.id == view_id)).one_or_none()
    if found is None:
        raise NotFoundError("Saved view")
    return found


def _changeable(session: Session, actor: Actor, view_id: str) -> tuple[SavedView, str]:
    actor.require("usage:read")
    row, owner = _find(session, actor, view_id)
    if not _may_change(actor, row):
        raise AuthorizationError(f"This view is {owner}'s. Ask them, or an administrator, or save one of your own.")
    return row, owner


def _may_change(actor: Actor, row: SavedView) -> bool:
    return row.user_id == actor.user_id or (row.shared and actor.can("organization:update"))


def _view(actor: Actor, row: SavedView, owner: str) -> ViewOfPage:
    return ViewOfPage(
        id=row.id,
        page=row.page,
        name=row.name,
        query=row.query,
        shared=row.shared,
        owner=owner,
        user_id=row.user_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        mine=row.user_id == actor.user_id,
        may_change=_may_change(actor, row),
    )


def _free_name(session: Session, actor: Actor, page: str, name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise _wrong("name", f"Give the view a name of 1 to {MAX_NAME} characters.")
    taken = select(SavedView.id).where(
        SavedView.user_id == actor.user_id, SavedView.page == page, SavedView.name == name
    )
    if session.exec(taken).first() is not None:
        raise _wrong("name", "You have a view of this name already. Choose another name.")
    return name


def _checked_query(query: str) -> str:
    query = query.removeprefix("?")
    if len(query) > MAX_QUERY or not _QUERY.fullmatch(query):
        raise _wrong("query", f"Give the query of a page's address, at most {MAX_QUERY} characters of it.")
    return query


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
