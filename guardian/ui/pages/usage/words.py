"""What the explorer calls things: dimensions, their values, and how it says that a row has none."""

from collections.abc import Mapping

from guardian.models.enums import CostSource, UsageOrigin
from guardian.ui.colors import provider_name
from guardian.ui.pages.usage.address import TAG

_DIMENSIONS: Mapping[str, str] = {
    "provider": "Provider",
    "model": "Model",
    "operation": "Operation",
    "origin": "Book",
    "project": "Project",
    "providerKey": "Provider key",
    "apiKey": "Key of the vault",
    "user": "Person",
    "team": "Team",
    "feature": "Feature",
    "externalUser": "User at the provider",
    "account": "Account",
    "tier": "Tier",
    "costSource": "Price from",
    "session": "Session",
    "accessToken": "Access token",
    "tag": "Tag",
}
_VALUES: Mapping[tuple[str, str], str] = {
    ("origin", UsageOrigin.SYNC): "Provider's report",
    ("origin", UsageOrigin.GATEWAY): "Gateway",
    ("origin", UsageOrigin.INGEST): "Sent by applications",
    ("origin", UsageOrigin.IMPORT): "Imported",
    ("costSource", CostSource.PROVIDER): "Provider's own amount",
    ("costSource", CostSource.COMPUTED): "Price list",
    ("costSource", CostSource.ESTIMATED): "Estimate",
    ("costSource", CostSource.UNPRICED): "No price known",
}
# Of which there are so many, or such odd ones, that people rather type them than look for them.
TYPED = frozenset({"session", "tag"})
# Where a click on a group leads next, unless that is decided already.
_DEEPER = ("model", "project", "providerKey", "user", "operation", "tier", "provider")


def dimension(name: str) -> str:
    """How people call a dimension: "Provider key", "Tag environment"."""
    if name.startswith(TAG):
        return f"Tag {name.removeprefix(TAG)}"
    return _DIMENSIONS.get(name, name)


def value(dimension_name: str, value: str | None, name: str | None = None) -> str:
    """How people call a value: its name where one is known."""
    if not value:
        if dimension_name == "providerKey":
            return "No key named"  # a call of the gateway had one, whose id at the provider nobody told
        return f"No {spoken(dimension_name).removeprefix('tag ')}"
    if dimension_name == "provider":
        return provider_name(value)
    return name or _VALUES.get((dimension_name, value), value)


def deeper(group_by: str, decided: set[str]) -> str | None:
    """The dimension to look into next, None where all are decided."""
    return next((name for name in _DEEPER if name != group_by and name not in decided), None)


def spoken(name: str) -> str:
    """A dimension within a sentence: "provider key", "tag environment"."""
    words = dimension(name)
    return words[:1].lower() + words[1:]
