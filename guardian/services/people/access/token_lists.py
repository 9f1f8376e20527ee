"""Access tokens page by page: programs make them by the thousand."""

from sqlalchemy import String, literal_column
from sqlmodel import Session, col, func

from guardian.models import AccessToken
from guardian.services.actor import Actor
from guardian.services.people.access.tokens import view_of, visible
from guardian.services.people.paging import Asked, Orders, read_page
from guardian.services.people.views import Page, TokenView

_ORDERS = Orders(
    by={
        "name": func.lower(AccessToken.name, type_=String),
        "createdAt": col(AccessToken.created_at),
        # Those that were never used come before all that were.
        "lastUsedAt": func.coalesce(AccessToken.last_used_at, literal_column("'-infinity'::timestamptz")),
    },
    id=col(AccessToken.id),
    usual="-createdAt",
)


def page_of_tokens(
    session: Session,
    actor: Actor,
    asked: Asked,
    *,
    user_id: str | None = None,
    scope: str | None = None,
    budget_id: str | None = None,
) -> Page[TokenView]:
    """As `list_tokens`: of one person, with one scope, or on one budget. Raises ValidationError for a wrong cursor."""
    query = visible(actor)
    if user_id is not None:
        query = query.where(AccessToken.user_id == user_id)
    if scope is not None:
        query = query.where(col(AccessToken.scopes).contains([scope]))
    if budget_id is not None:
        query = query.where(AccessToken.budget_id == budget_id)
    rows, following = read_page(session, query, _ORDERS, asked)
    return Page(items=tuple(view_of(row) for (row,) in rows), next_cursor=following)
