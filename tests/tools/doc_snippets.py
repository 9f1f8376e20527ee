"""Writes the recipes of docs/gateway.md from their one source: `python -m tests.tools.doc_snippets`."""

from pathlib import Path

from guardian.snippets import snippets

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gateway.md"
GATEWAY, WEB = "http://127.0.0.1:8001", "http://127.0.0.1:8000"
_BEGIN, _END = "<!-- snippets: ", "<!-- end of snippets -->"
# What tests can run with the packages that they have anyway; the others are held to by their own tests.
RUN = ("curl", "openai-python", "anthropic-python", "google-python", "events")


def recipes() -> str:
    """Every text to paste as a section of its own."""
    return "".join(
        f"### {each.title}\n\n```{_language(each.language)}{' run' if each.name in RUN else ''}\n{each.text}\n```\n\n"
        for each in snippets(GATEWAY, WEB)
    )


def written(page: str) -> str:
    """The page with its recipes as they have to be. Raises ValueError where it has no place for them."""
    begin = page.index("\n", page.index(_BEGIN)) + 1
    return f"{page[:begin]}\n{recipes()}{page[page.index(_END, begin) :]}"


def _language(name: str) -> str:
    return "bash" if name == "shell" else name


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
