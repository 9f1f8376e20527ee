"""Console exports call keys and projects by name where the API has an id: the id, where one is known by that name."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, select

from guardian.models import ProviderResource
from guardian.models.enums import Provider, ResourceKind


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Ids by kind and name; a name that two things have is no name of either."""

    ids: Mapping[tuple[ResourceKind, str], str]

    def project(self, name: str | None) -> str | None:
        return self._id(ResourceKind.PROJECT, name)

    def key(self, name: str | None) -> str | None:
        return self._id(ResourceKind.API_KEY, name)

    def _id(self, kind: ResourceKind, name: str | None) -> str | None:
        return None if name is None else self.ids.get((kind, name), name)


def known_names(session: Session, organization_id: str, provider: Provider) -> KnownNames:
    """What the organization's pulls have learnt of the provider's names."""
    found = session.exec(
        select(ProviderResource.kind, ProviderResource.name, ProviderResource.external_id).where(
            ProviderResource.organization_id == organization_id, ProviderResource.provider == provider
        )
    ).all()
    times = Counter((kind, name) for kind, name, _ in found)
    return KnownNames({(ResourceKind(kind), name): id for kind, name, id in found if times[kind, name] == 1})
