"""The first causes of a spike or a passed threshold, for its notice: the parts that the change is made of."""

from collections.abc import Sequence

from sqlmodel import Session

from guardian.channels.notice import Cause
from guardian.services.guard.watching.telling import Moved


def causes_of(session: Session, organization_id: str, moved: Moved) -> Sequence[Cause]:
    return ()
