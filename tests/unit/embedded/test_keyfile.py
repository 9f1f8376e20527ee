"""The encryption key on disk: made once, for its owner only, never replaced."""

import stat
from pathlib import Path

import pytest

from guardian.embedded.keyfile import stored_key, stored_or_new_key
from guardian.errors import ConfigurationError


def test_the_first_start_makes_a_key_and_every_later_one_finds_it(tmp_path: Path) -> None:
    assert stored_key(tmp_path) is None
    key = stored_or_new_key(tmp_path)
    assert len(bytes.fromhex(key)) == 32
    assert stored_or_new_key(tmp_path) == key == stored_key(tmp_path)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert stored_or_new_key(tmp_path / "a") != stored_or_new_key(tmp_path / "b")


@pytest.mark.parametrize("content", [b"", b"abc", b"g" * 64, b"\xff" * 64])
def test_a_damaged_key_is_reported_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "encryption.key").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"encryption\.key"):
        stored_or_new_key(tmp_path)
    assert (tmp_path / "encryption.key").read_bytes() == content
