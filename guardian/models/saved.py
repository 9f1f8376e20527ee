"""SavedView: a page's filters under a name, for oneself or for the organization."""

from sqlalchemy import Index
from sqlmodel import Field

from guardian.models.base import Row, flag_field


class SavedView(Row, table=True):
    """`query` is the page's URL query without its question mark; `shared` shows it to the whole organization."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_organization_id_page", "organization_id", "page"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE")
    page: str
    name: str
    query: str
    shared: bool = flag_field(False)
