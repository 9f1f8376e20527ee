"""A demonstration's data directory: its own, found again, and never a real one's."""

import json
import os
import stat
from pathlib import Path

import pytest

from guardian.config import Settings
from guardian.demo.place import bare_environment, keep_secrets, open_place, secrets_of
from guardian.embedded.up import DEMO_MARK, up
from guardian.errors import ConfigurationError


def test_it_is_begun_once_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = open_place(folder, None)
    assert (first.is_new, first.seed) == (True, 1)
    assert stat.S_IMODE((folder / DEMO_MARK).stat().st_mode) == 0o600
    again = open_place(folder, None)
    assert (again.is_new, again.seed, again.born, again.password) == (False, 1, first.born, first.password)
    assert open_place(folder, 1).password == first.password
    with pytest.raises(ConfigurationError, match="begun with the seed 1"):
        open_place(folder, 2)
    keep_secrets(folder, {"Assistant": "gdn_x"})
    assert secrets_of(folder) == {"Assistant": "gdn_x"}
    assert stat.S_IMODE((folder / "demo-tokens.json").stat().st_mode) == 0o600


def test_it_is_not_begun_over_anything_else(tmp_path: Path) -> None:
    (tmp_path / "postgres.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="left alone"):
        open_place(tmp_path, None)
    assert [path.name for path in tmp_path.iterdir()] == ["postgres.json"]


def test_the_real_product_does_not_start_in_it(tmp_path: Path) -> None:
    open_place(tmp_path / "demo", None)
    with pytest.raises(ConfigurationError, match="belongs to a demonstration"):
        up(Settings(guardian_data_dir=tmp_path / "demo"))
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {DEMO_MARK}


@pytest.mark.parametrize("damaged", ["", "{}", "[]", json.dumps({"seed": 1, "born": "soon", "password": "x"})])
def test_a_damaged_mark_says_what_to_do(tmp_path: Path, damaged: str) -> None:
    (tmp_path / DEMO_MARK).write_text(damaged)
    with pytest.raises(ConfigurationError, match="begin a new demonstration"):
        open_place(tmp_path, None)


def test_what_a_real_installation_uses_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SMTP_PASSWORD_FILE", "GUARDIAN_PORT", "PATH_TO_NOWHERE"):
        monkeypatch.setenv(name, "x")
    bare_environment(frozenset({"DATABASE_URL", "SMTP_PASSWORD"}))

    assert {"GUARDIAN_PORT", "PATH_TO_NOWHERE"} <= os.environ.keys()
    assert not {"DATABASE_URL", "SMTP_PASSWORD_FILE"} & os.environ.keys()
