"""Finds links in the documentation that lead nowhere: `python -m tests.tools.dead_links`. It asks no network."""

import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
# [text](target "title"), ![picture](target), [label]: target, and the two attributes that HTML in Markdown uses.
_LINKS = (
    re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)"),
    re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)", re.MULTILINE),
    re.compile(r"\b(?:src|href|srcset)=\"([^\"]+)\""),
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_ANCHOR = re.compile(r"\b(?:id|name)=\"([^\"]+)\"")
_NOT_OURS = {"node_modules", "__pycache__"}
_OUTSIDE = re.compile(r"^[a-z][a-z0-9+.\-]*:", re.IGNORECASE)


def documents(root: Path) -> list[Path]:
    """Every Markdown file that is ours: hidden folders and other people's packages are not."""
    found: list[Path] = []
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NOT_OURS)
        found.extend(Path(parent, name) for name in sorted(names) if name.endswith(".md"))
    return found


def anchors(text: str) -> set[str]:
    """What can be linked to in a document: its headings as GitHub names them, and explicit ids."""
    found: dict[str, int] = {}
    names: set[str] = set(_ANCHOR.findall(text))
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        name = _slug(heading)
        again = found.get(name, 0)
        found[name] = again + 1
        names.add(f"{name}-{again}" if again else name)
    return names


def _slug(heading: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)  # a link in a heading counts by its text
    text = re.sub(r"[`*~]|<[^>]+>", "", text).lower()
    kept = (c for c in text if c in " -_" or unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def dead_links(document: Path, root: Path) -> Iterator[str]:
    """Each link of the document to a file or an anchor that is not there."""
    text = document.read_text(encoding="utf-8")
    prose = _CODE.sub("", _FENCE.sub("", text))
    for target in sorted({found for pattern in _LINKS for found in pattern.findall(prose)}):
        if _OUTSIDE.match(target) or target.startswith("//"):
            continue
        path, _, anchor = target.partition("#")
        base = root if path.startswith("/") else document.parent
        place = (base / unquote(path).lstrip("/")).resolve() if path else document
        if not place.exists() or (
            anchor and place.suffix == ".md" and unquote(anchor) not in anchors(place.read_text(encoding="utf-8"))
        ):
            yield target


def main() -> None:
    """Name every dead link. Exit status 1 when there is one."""
    found = [(document, target) for document in documents(ROOT) for target in dead_links(document, ROOT)]
    for document, target in found:
        print(f"{document.relative_to(ROOT)}: {target} leads nowhere", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
