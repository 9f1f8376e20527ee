"""Requests that named an Idempotency-Key: asked again, they are answered again and not done again."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from guardian.models.base import Table, new_id, time_field


class IdempotentRequest(Table, table=True):
    """One POST under its key. `fingerprint` is the SHA-256 of method, path and body.

    `status` and `body` are its answer, once there is one; until then whoever does it has it until `lease_until`.
    """

    __tablename__ = "idempotent_requests"
    __table_args__ = (UniqueConstraint("organization_id", "user_id", "key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    key: str
    fingerprint: str
    status: int | None = None
    body: str | None = None
    created_at: datetime = time_field(now=True, index=True)
    lease_until: datetime = time_field()
