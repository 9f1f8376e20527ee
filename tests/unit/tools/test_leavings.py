"""The look through what a run leaves finds a planted secret however it is written, and names the file."""

import base64
from pathlib import Path

from tests.fakes import openai_api
from tests.tools.leavings import complaint, left_in

KEY = openai_api.ADMIN_KEY


def test_a_secret_is_found_in_the_midst_of_bytes_and_its_file_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wal").write_bytes(b"\x00\xff\x01" * 5000 + KEY.encode() + b"\x00\n\xfe")
    # Not *.log: the search after all tests would find it, too.
    (tmp_path / "web.out").write_text(
        f'{{"event": "x", "body": "{base64.b64encode(("key=" + KEY).encode()).decode()}"}}'
    )
    (tmp_path / "clean.log").write_text(f"the key …{KEY[-4:]} of {KEY[:6]}… works")
    found = left_in([tmp_path / "data", tmp_path / "web.out", tmp_path / "clean.log", tmp_path / "none"])
    assert [line.partition(": ")[0] for line in found] == [str(tmp_path / "data" / "wal"), str(tmp_path / "web.out")]
    assert "plain" in found[0]
    assert "base64" in found[1]
    assert KEY not in complaint(found)


def test_what_is_clean_is_not_complained_of(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("nothing")
    assert left_in([tmp_path]) == []
    assert left_in([]) == []
