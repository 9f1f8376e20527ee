"""The API's own description (OpenAPI 3.1): what FastAPI cannot know of the steps, written into it."""

from guardian.api.described.failing import failures
from guardian.api.described.operations import describe, exemplify

__all__ = ["describe", "exemplify", "failures"]
