"""Which key of a provider is which key of the vault: told, seen in a call, or known by its name or its usage. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from guardian.models.enums import Provider

# Fewer tokens may be equal on two keys by chance.
_ENOUGH_TOKENS = 1_000
_MASKS = ("…", "...", "*")

ProviderKey = tuple[Provider, str]
Usage = tuple[date, str | None, frozenset[tuple[str, Decimal]]]
"""A day, a model, and the tokens by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultKey:
    """A key of the vault. `external_id` is the provider's id of it, where somebody told."""

    id: str
    provider: Provider
    label: str | None
    hint: str
    external_id: str | None = None


def told_keys(
    vault: Sequence[VaultKey], names: Mapping[ProviderKey, str], seen: Iterable[tuple[ProviderKey, str]]
) -> dict[ProviderKey, str]:
    """The vault key's id by provider key, as far as somebody told; the surest way counts.

    1 the vault key says the provider's id itself; 2 a call was `seen` with both; 3 the provider's name of the key is
    the vault key's label, or a masked secret that ends like it.
    """
    found: dict[ProviderKey, str] = {
        (key.provider, key.external_id): key.id for key in vault if key.external_id is not None
    }
    for provider_key, id in seen:
        found.setdefault(provider_key, id)
    for provider_key, name in names.items():
        named = [key.id for key in vault if key.provider is provider_key[0] and _is_named(key, name)]
        if len(named) == 1:
            found.setdefault(provider_key, named[0])
    return found


def _is_named(key: VaultKey, name: str) -> bool:
    if any(mask in name for mask in _MASKS):
        return bool(key.hint) and name.endswith(key.hint)
    return bool(key.label) and name.strip().casefold() == (key.label or "").strip().casefold()


def same_usage(
    vault: Iterable[VaultKey],
    tracked: Mapping[str, set[Usage]],
    reported: Mapping[ProviderKey, set[Usage]],
    known: Mapping[ProviderKey, str],
) -> dict[ProviderKey, str]:
    """Keys that on some day used a model with exactly the same tokens of every kind, and no other key did.

    `tracked` is by vault key, `reported` by provider key; those that are `known` already take no part.
    """
    owners: dict[tuple[Provider, Usage], set[str]] = defaultdict(set)
    for (provider, key), usages in reported.items():
        if (provider, key) not in known:
            for usage in usages:
                owners[provider, usage].add(key)
    matched = set(known.values())
    found: dict[ProviderKey, str] = {}
    for key in vault:
        if key.id in matched:
            continue
        usages = tracked.get(key.id, set())
        enough = [usage for usage in usages if sum(number for _, number in usage[2]) >= _ENOUGH_TOKENS]
        sets = [owners[key.provider, usage] for usage in enough if (key.provider, usage) in owners]
        candidates = {next(iter(each)) for each in sets if len(each) == 1}
        if len(candidates) == 1:
            found.setdefault((key.provider, candidates.pop()), key.id)
    return found
