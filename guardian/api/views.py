"""views: what people saved of a page's filters, for themselves or for their organization."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.answers.lists import ListQuery, page_of
from guardian.api.steps import CallDep, route
from guardian.models import SavedView
from guardian.services.ledger import saved_views
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/views", tags=["views"])


class ListParameters(ListQuery):
    """Views of one page, shared ones, or one's own."""

    sort: Literal["name", "-name", "createdAt", "-createdAt", "updatedAt", "-updatedAt"] | None = None
    shared: bool | None = None
    mine: bool | None = None
    page: Line | None = Field(default=None, description="Only the views of this page (usage).")


class NewView(Body):
    """`query` is the page's URL query, with or without its question mark; `shared` shows it to the organization."""

    page: Line
    name: Line
    query: str = Field(max_length=saved_views.MAX_QUERY + 1)
    shared: bool = False


class ViewChange(Body):
    name: Line | None = None
    query: str | None = Field(default=None, max_length=saved_views.MAX_QUERY + 1)
    shared: bool | None = None


class ViewOut(Out):
    """`mine` and `mayChange` are about who asks."""

    id: str
    page: str
    name: str
    query: str
    shared: bool
    owner: str
    user_id: str
    created_at: Time
    updated_at: Time
    mine: bool
    may_change: bool


@route(api, "GET", "", permission="usage:read")
def list_views(call: CallDep, query: Annotated[ListParameters, Query()]) -> Page[ViewOut]:
    """One's own views and those shared in the organization, by name."""
    with call.transaction() as session:
        found = [ViewOut.model_validate(view) for view in saved_views.list_views(session, call.actor, query.page)]
    return page_of(found, query)


@route(api, "POST", "", permission="usage:read", action="VIEW_CREATE", status=201)
def create_view(call: CallDep, body: NewView) -> ViewOut:
    """Save a view. Sharing it needs the right to (views:share)."""
    with call.transaction() as session:
        view = saved_views.create_view(
            session, call.actor, page=body.page, name=body.name, query=body.query, shared=body.shared
        )
        call.note("view", view.id, name=view.name, shared=view.shared)
        return ViewOut.model_validate(view)


@route(api, "GET", "/{view_id}", permission="usage:read", row=SavedView)
def get_view(call: CallDep, view_id: str) -> ViewOut:
    """One view."""
    with call.transaction() as session:
        return ViewOut.model_validate(saved_views.get_view(session, call.actor, view_id))


@route(api, "PATCH", "/{view_id}", permission="usage:read", action="VIEW_UPDATE", row=SavedView)
def update_view(call: CallDep, view_id: str, body: ViewChange) -> ViewOut:
    """Rename it, share it or not, point it to another query. One's own, or as an administrator what others share."""
    with call.transaction() as session:
        view = saved_views.update_view(
            session, call.actor, view_id, name=body.name, query=body.query, shared=body.shared
        )
        call.note("view", view.id, name=view.name, shared=view.shared)
        return ViewOut.model_validate(view)


@route(api, "DELETE", "/{view_id}", permission="usage:read", action="VIEW_DELETE", row=SavedView)
def delete_view(call: CallDep, view_id: str) -> None:
    """Delete it; its address no longer leads anywhere."""
    with call.transaction() as session:
        view = saved_views.delete_view(session, call.actor, view_id)
        call.note("view", view.id, name=view.name, shared=view.shared)
