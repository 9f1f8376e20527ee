"""activity: what was done in the organization, and by whom."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from guardian.api.answers.envelope import Out, Time
from guardian.api.steps import CallDep, route
from guardian.services.people import audit
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/activity", tags=["activity"])


class ActivityOut(Out):
    """`actor` is the person's name or address; null where nobody was signed in, or a job acted."""

    id: str
    action: str
    actor: str | None
    user_id: str | None
    resource_type: str | None
    resource_id: str | None
    request_id: str | None
    ip_address: str | None
    metadata: dict[str, Any]
    created_at: Time


@route(api, "GET", "", permission="activity:read")
def list_activity(
    call: CallDep, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=audit.MAX_PAGE)] = 50
) -> Page[ActivityOut]:
    """Newest first."""
    with call.transaction() as session:
        page = audit.list_activity(session, call.actor, cursor, limit)
    return Page(items=tuple(ActivityOut.model_validate(view) for view in page.items), next_cursor=page.next_cursor)
