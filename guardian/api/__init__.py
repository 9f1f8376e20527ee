"""The REST API: one FastAPI app that works alone, and under the pages, which are mounted behind it."""

from guardian.api.main import create_api

__all__ = ["create_api"]
