"""Providers' keys in the vault: tested before they are stored, sealed while they are, never given back."""

from guardian.providers.registry import describe, supported
from guardian.services.people.provider_keys.balances import keep_balance
from guardian.services.people.provider_keys.changing import (
    KeyToReplace,
    add_key,
    delete_key,
    key_to_replace,
    record_test,
    replace_secret,
    update_key,
)
from guardian.services.people.provider_keys.matching import tell_ids
from guardian.services.people.provider_keys.reading import get_key, list_keys, what_is_lost
from guardian.services.people.provider_keys.testing import KeyUnderTest, key_under_test, test_key, test_stored_key
from guardian.services.people.provider_keys.vault import mark_key, open_secret, status_for

__all__ = [
    "KeyToReplace",
    "KeyUnderTest",
    "add_key",
    "delete_key",
    "describe",
    "get_key",
    "keep_balance",
    "key_to_replace",
    "key_under_test",
    "list_keys",
    "mark_key",
    "open_secret",
    "record_test",
    "replace_secret",
    "status_for",
    "supported",
    "tell_ids",
    "test_key",
    "test_stored_key",
    "update_key",
    "what_is_lost",
]
