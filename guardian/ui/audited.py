"""What a page changes leaves an audit row, in the same transaction and under the same names as over REST."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlmodel import Session

from guardian.services.actor import Actor
from guardian.services.people import audit

T = TypeVar("T")

Work = Callable[[Session, Actor], T]
# What is said of the result: the id of the thing that was changed, and facts about it.
About = Callable[[T], tuple[str | None, dict[str, Any]]]


def audited(action: str, resource: str, work: Work[T], about: About[T]) -> Work[T]:
    """`work`, and then the row of `action` ("KEY_CREATE") on a `resource` ("key"); neither without the other."""

    def run(session: Session, actor: Actor) -> T:
        result = work(session, actor)
        resource_id, facts = about(result)
        audit.record(session, actor, action, resource_type=resource, resource_id=resource_id, metadata=facts)
        return result

    return run
