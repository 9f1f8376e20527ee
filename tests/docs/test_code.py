"""The documentation's code does what it says: blocks marked `run` are run, against a running product."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.docs.conftest import Running
from tests.tools import doc_snippets

_BLOCK = re.compile(r"^```(\S*)( run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted((ROOT / "docs").glob("*.md"))
SECONDS = 120


class Block(NamedTuple):
    """Code of a page: what it is written in, and whether it is to be run."""

    page: str
    line: int
    language: str
    run: bool
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def _blocks() -> list[Block]:
    found: list[Block] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for each in _BLOCK.finditer(text):
            line = text.count("\n", 0, each.start()) + 1
            found.append(Block(page.name, line, each[1], bool(each[2]), each[3]))
    return found


BLOCKS = _blocks()


def test_each_kind_of_code_is_there_to_be_run() -> None:
    by_page = {page.name: [b for b in BLOCKS if b.page == page.name and b.run] for page in PAGES}
    assert {name for name, blocks in by_page.items() if blocks} >= {
        "alerts.md",
        "api.md",
        "budgets.md",
        "gateway.md",
        "operations.md",
        "providers.md",
        "start.md",
    }
    assert {block.language for block in BLOCKS if block.run} == {"bash", "python"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda each: each.name)
def test_all_of_it_can_be_read(block: Block) -> None:
    """Also what is not run: other people's tools, and what would change the machine."""
    if block.language == "python":
        ast.parse(block.text)
    if block.language in ("bash", "sh"):
        subprocess.run(["bash", "-n", "-c", block.text], check=True)
    if block.language == "json":
        json.loads(block.text)


# One product for all of it: what a page makes, the next one finds, as a reader does.
def test_what_is_marked_runs(running: Running, tmp_path: Path) -> None:
    environment = {**os.environ, "GUARDIAN_TOKEN": running.token}
    failed: list[str] = []
    for block in (each for each in BLOCKS if each.run):
        code = running.code(block.text)
        if block.language == "python":
            command = [sys.executable, "-W", "error", "-c", code]
        else:
            # A page may show what curl does without -f; here a refusal is a failure.
            command = ["bash", "-euo", "pipefail", "-c", code.replace("curl http", "curl -sf http")]
        ended = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if ended.returncode != 0:
            failed.append(f"{block.name}\n{code}\n{ended.stdout[-1000:]}\n{ended.stderr[-2000:]}")
    assert not failed, "\n\n".join(failed)


def test_the_recipes_are_those_of_the_product() -> None:
    page = doc_snippets.PAGE.read_text(encoding="utf-8")
    assert page == doc_snippets.written(page), "run: python -m tests.tools.doc_snippets"


def test_curl_is_there() -> None:
    assert shutil.which("curl"), "the documentation's examples need curl"
