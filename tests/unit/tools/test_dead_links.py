"""The check of the documentation's links: it finds dead ones, and only those."""

from pathlib import Path

import pytest

from tests.tools.dead_links import anchors, dead_links, documents

HEADINGS = """
# The gateway's `base URL`
## Set-up
## Set-up
### [Linked](other.md) – and 50 % more
```
# not a heading
```
<a id="by-hand"></a>
"""


def test_headings_are_named_as_github_names_them() -> None:
    assert anchors(HEADINGS) == {
        "the-gateways-base-url",
        "set-up",
        "set-up-1",
        "linked--and-50--more",
        "by-hand",
    }


@pytest.mark.parametrize(
    "link",
    [
        "[file](other.md)",
        "[file](./other.md#set-up)",
        "[above](#here)",
        "[root](/docs/other.md)",
        "![picture](pictures/a%20b.png)",
        "[outside](https://example.com/nowhere)",
        "[mail](mailto:a@example.com)",
        "[titled](other.md 'a title')",
        "`[code](missing.md)`",
        "```\n[code](missing.md)\n```",
        '<img src="pictures/a b.png">',
        "[label]: other.md",
    ],
)
def test_good_links_pass(tmp_path: Path, link: str) -> None:
    assert list(dead_links(document(tmp_path, link), tmp_path)) == []


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("[file](missing.md)", "missing.md"),
        ("[anchor](other.md#missing)", "other.md#missing"),
        ("[above](#missing)", "#missing"),
        ("![picture](pictures/missing.png)", "pictures/missing.png"),
        ('<img src="missing.png">', "missing.png"),
        ("[label]: missing.md", "missing.md"),
    ],
)
def test_dead_links_are_found(tmp_path: Path, link: str, target: str) -> None:
    assert list(dead_links(document(tmp_path, link), tmp_path)) == [target]


def test_only_our_own_documents_are_read(tmp_path: Path) -> None:
    for name in ("README.md", "docs/a.md", ".venv/lib/b.md", "node_modules/c.md", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert documents(tmp_path) == [tmp_path / "README.md", tmp_path / "docs" / "a.md"]


def document(root: Path, link: str) -> Path:
    folder = root / "docs"
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures" / "a b.png").touch()
    (folder / "other.md").write_text(HEADINGS)
    (folder / "here.md").write_text(f"# Here\n\n{link}\n")
    return folder / "here.md"
