"""Passwords: argon2id, today's parameters, and the rules for a new one."""

import pytest
from argon2 import PasswordHasher

from guardian.errors import ValidationError
from guardian.services.people.access import passwords


def test_a_hash_opens_for_its_password_only() -> None:
    stored = passwords.hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, "correct horse battery")
    assert not passwords.verify(stored, "correct horse batterz")
    assert not passwords.verify(stored, "")


def test_the_same_password_never_hashes_the_same() -> None:
    assert passwords.hash_password("x" * 12) != passwords.hash_password("x" * 12)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_opens_for_nobody(stored: str) -> None:
    assert not passwords.verify(stored, "correct horse battery")


def test_nobody_has_the_password_of_nobody() -> None:
    assert not passwords.verify(None, "nobody has this password")


def test_hashes_of_other_parameters_are_known_and_still_open() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("correct horse battery")
    assert passwords.verify(weaker, "correct horse battery")
    assert passwords.needs_rehash(weaker)
    assert not passwords.needs_rehash(passwords.hash_password("correct horse battery"))


@pytest.mark.parametrize("password", ["", "123456789", "a" * 1_001, "é" * 501, "Ada@Acme.test", " ada@acme.test "])
def test_what_no_new_password_may_be(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        passwords.require_acceptable(password, "ada@acme.test")
    assert refused.value.details[0]["field"] == "password"


@pytest.mark.parametrize("password", ["1234567890", "a" * 1_000, "é" * 500, "pass phrase with spaces"])
def test_what_a_new_password_may_be(password: str) -> None:
    passwords.require_acceptable(password, "ada@acme.test")


def test_a_megabyte_is_not_hashed() -> None:
    assert not passwords.verify(passwords.hash_password("a" * 1_000), "a" * 1_000_000)
