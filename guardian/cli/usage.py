"""Usage from a shell: files that are imported, and set-up to paste."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from guardian import logs
from guardian.cli.configured import configured
from guardian.config import settings

commands = typer.Typer()


@commands.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files, folders of logs, or archives (zip, tar, gz).")],
    format: Annotated[str | None, typer.Option(help="Else: told by the content.")] = None,
    organization: Annotated[str | None, typer.Option(help="Its id or name, where there is more than one.")] = None,
    user: Annotated[str | None, typer.Option(help="The address of who made the calls.")] = None,
    key: Annotated[str | None, typer.Option(help="The label of the provider's key that paid for them.")] = None,
) -> None:
    """Read usage from files: agents' logs, LiteLLM's spend logs, consoles' CSV exports, our own CSV.

    Doubles change nothing. Ends with status 1 if a file could not be read to its end.
    """
    from guardian.jobs.command_line import import_files

    configured()
    logs.configure(settings(), "import")
    raise typer.Exit(import_files(files, format=format, organization=organization, email=user, key_label=key))


@commands.command()
def snippet(
    name: Annotated[str | None, typer.Argument(help="The beginning of a name; else: the list.")] = None,
) -> None:
    """Print set-up to paste: for SDKs and tools through the gateway, and for events and spans."""
    from guardian.snippets import snippets

    found = settings()
    every = snippets(found.gateway_url, found.base_url)
    wanted = [each for each in every if name is not None and each.name.startswith(name.lower())]
    if name is None:
        for each in every:
            print(f"{each.name:22} {each.title}")
        return
    if not wanted:
        print(f"There is no snippet {name!r}. There are: {', '.join(each.name for each in every)}.", file=sys.stderr)
        raise typer.Exit(1)
    for each in wanted:
        print(f"# {each.title}\n{each.text}\n")
