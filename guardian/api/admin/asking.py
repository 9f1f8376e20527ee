"""What the lists of the installation are asked for."""

from typing import Annotated

from pydantic import Field, StringConstraints

from guardian.api.answers.envelope import Body
from guardian.services.guard.installation.paging import MAX_PAGE

# NUL is no text to PostgreSQL.
_Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class Paged(Body):
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class Searched(Paged):
    search: _Text | None = Field(default=None, description="A part of the name or the address.")
