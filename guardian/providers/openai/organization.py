"""The names of what an OpenAI organization has: projects, keys, service accounts and users."""

from collections.abc import Iterator
from typing import Protocol
from urllib.parse import quote

from guardian.models.enums import ResourceKind
from guardian.providers.http.client import Params
from guardian.providers.reports.paging import named
from guardian.providers.reports.reading import Row
from guardian.records import NamedResource

PROJECTS = ("/organization/projects", (("include_archived", "true"),))


class Listed(Protocol):
    """The items of the list at a path; none where the key may not read it."""

    def __call__(self, path: str, query: Params = ..., /) -> Iterator[Row]: ...


def organization_names(listed: Listed) -> Iterator[NamedResource]:
    """Project by project, then what belongs to none."""
    for project in listed(*PROJECTS):
        parent = project.text("id")
        yield named(ResourceKind.PROJECT, project)
        inside = f"/organization/projects/{quote(parent, safe='')}"
        # Without owner_project_access=any some enabled keys are missing.
        keys = listed(f"{inside}/api_keys", (("owner_project_access", "any"),))
        yield from (named(ResourceKind.API_KEY, key, parent) for key in keys)
        accounts = listed(f"{inside}/service_accounts")
        yield from (named(ResourceKind.SERVICE_ACCOUNT, account, parent) for account in accounts)
    yield from (named(ResourceKind.USER, user) for user in listed("/organization/users"))
    yield from (named(ResourceKind.API_KEY, key) for key in listed("/organization/admin_api_keys"))
