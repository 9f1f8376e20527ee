"""An importer for tests: bytes become a file, the file an import."""

from pathlib import Path
from typing import Any

import pytest

from guardian.services.ledger.imports import ImportView
from tests.conftest import People
from tests.unit.imports.making import Importer, run


@pytest.fixture
def bring(tmp_path: Path, people: People) -> Importer:
    """Import this content, or this path, as Alice."""
    made = 0

    def bring(content: bytes | str | Path, name: str = "file", **options: Any) -> ImportView:
        nonlocal made
        if isinstance(content, Path):
            path = content
        else:
            made += 1
            path = tmp_path / f"{made}-{name}"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return run(options.pop("actor", people.alice), path, **options)

    return bring
