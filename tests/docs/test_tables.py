"""The documentation's tables say what is there: each test, route and page of the checklist, each code of an error."""

import ast
import re
from collections.abc import Iterator

import pytest

from guardian import errors
from guardian.api import create_api
from guardian.app import app
from guardian.config import Settings
from guardian.gateway.dialects import WORDS
from guardian.providers.registry import describe, supported
from tests.conftest import ROOT

DOCS = ROOT / "docs"
CHECKLIST = (DOCS / "checklist.md").read_text(encoding="utf-8")
LINES = [line for line in CHECKLIST.splitlines() if line.startswith("| ") and not line.startswith("| line ")]
_SPAN = re.compile(r"`([^`]+)`")
_ROUTE = re.compile(r"(GET|POST|PATCH|PUT|DELETE) (/\S+)")
# How many lines each of the guide's lists has, in its order.
LISTS = (5, 8, 8, 7, 7, 7)


def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _pages() -> set[str]:
    assert app is not None
    return {"/" + route.strip("/") for route in app._unevaluated_pages}


def test_every_line_of_the_guide_is_there() -> None:
    sections = CHECKLIST.split("\n## ")[1:]
    found = [sum(line.startswith("| ") for line in section.splitlines()) - 1 for section in sections]
    assert tuple(found) == LISTS


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[1].strip())
def test_what_shows_a_line_exists(line: str) -> None:
    shown = _SPAN.findall(line)
    assert [word for word in shown if _is_evidence(word)], "nothing shows this line"
    for word in shown:
        if route := _ROUTE.fullmatch(word):
            assert route[2] in ROUTES, word
            if route[2] in PATHS:
                assert route[1].lower() in PATHS[route[2]], word
        elif word.startswith("tests/"):
            path, _, name = word.partition("::")
            assert (ROOT / path).exists(), word
            assert not name or name in _tests_of(path), word
        elif word.startswith("/"):
            assert word in _pages(), word
        elif word.startswith("make "):
            assert f"\n{word.removeprefix('make ')}:" in (ROOT / "Makefile").read_text(), word


def _is_evidence(word: str) -> bool:
    return word.startswith(("tests/", "make ", "/")) or _ROUTE.fullmatch(word) is not None


PATHS = create_api().openapi()["paths"]
ROUTES = {*PATHS, "/metrics", "/health/live", "/health/ready"}


def test_the_errors_of_the_api_page_are_those_of_the_product() -> None:
    """Every code of the tree, at its status; those of a base class are its children's."""
    table = (DOCS / "api.md").read_text(encoding="utf-8").split("## Errors")[1].split("## Rate limits")[0]
    told: dict[str, int] = {}
    for row in re.findall(r"^\| (`.+?) \| (\d+) \|", table, re.MULTILINE):
        told |= dict.fromkeys(_SPAN.findall(row[0]), int(row[1]))
    known = {kind.code: kind.status_code for kind in _kinds() if kind.code not in _NOT_ANSWERED}
    known |= _raised_by_code()
    assert told == known


def _raised_by_code() -> dict[str, int]:
    """Codes that have no class: raised as ApiError(…, status, code)."""
    found: dict[str, int] = {"METHOD_NOT_ALLOWED": 405}
    for path in (ROOT / "guardian").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ApiError":
                match node.args:
                    case [_, ast.Constant(value=int(status)), ast.Constant(value=str(code))]:
                        found[code] = status
    del found["CLIENT_CLOSED_REQUEST"]  # whom nobody answers any more
    return found


# Of commands, of a bug of ours, and of sealed values: none of them is told by its code.
_NOT_ANSWERED = {"INTERNAL_ERROR", "CONFIGURATION_ERROR", "DECRYPTION_ERROR", "API_ERROR"}


def _kinds() -> Iterator[type[errors.GuardianError]]:
    waiting = [errors.GuardianError]
    while waiting:
        kind = waiting.pop()
        # The gateway's own are answered in its callers' dialects, and known here only if somebody has loaded it.
        if kind.__module__.startswith("guardian.gateway."):
            continue
        yield kind
        waiting += kind.__subclasses__()


def test_the_refusals_of_the_gateways_page_are_those_of_the_gateway() -> None:
    table = (DOCS / "gateway.md").read_text(encoding="utf-8").split("## Refusals")[1].split("\n## ")[0]
    told = {int(status) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for status in row.split(",")}
    assert told == {words.status for words in WORDS.values()} - {500}


def test_the_variables_of_the_readme_are_those_of_the_product() -> None:
    """Each that is read, and no other. GUARDIAN_DEMO is nobody's to set: `guardian demo` does, for its processes."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("| variable | default | |")[1].split("\n\n")[0]
    told = {name.lower() for row in table.splitlines()[2:] for name in _SPAN.findall(row.split("|")[1])}
    proxies = {"https_proxy", "http_proxy", "no_proxy"}  # read by HTTP clients themselves
    in_a_line = {"encryption_key_previous"}  # of ENCRYPTION_KEY
    assert told == Settings.model_fields.keys() - {"guardian_demo"} - in_a_line | proxies


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and f"({page.name})" not in index]
    assert missing == []


def test_every_provider_has_its_section() -> None:
    """With the key kinds' own addresses: no second source of where a key is made."""
    text = (DOCS / "providers.md").read_text(encoding="utf-8")
    for provider in supported():
        described = describe(provider)
        assert f"\n## {described.name}\n" in text
        for kind in described.key_kinds:
            assert kind.href in text, (described.name, kind.name)
