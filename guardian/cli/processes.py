"""`guardian up`, and each process of the product alone."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from guardian import logs
from guardian.cli.configured import configured
from guardian.config import settings

ROOT = Path(__file__).parents[2]

commands = typer.Typer()


@commands.command()
def up() -> None:
    """Start everything on this machine: database, Redis and mailbox where none is configured, and all processes."""
    from guardian.embedded.up import up as run_everything

    run_everything(settings())


@commands.command()
def web() -> None:
    """Serve the pages and the REST API on GUARDIAN_PORT."""
    from guardian.ui.server import serve

    found = configured()
    logs.configure(found, "web")
    serve(found)


@commands.command()
def gateway() -> None:
    """Serve the gateway on GUARDIAN_GATEWAY_PORT."""
    from guardian.gateway.server import serve

    found = configured()
    logs.configure(found, "gateway")
    serve(found)


@commands.command()
def worker(
    queues: Annotated[list[str] | None, typer.Argument(help="Queues to work on; all of them if none is named.")] = None,
) -> None:
    """Work on queued jobs. Start as many as you like, on as many machines as you like."""
    _become("workers.worker", queues or [])


@commands.command()
def scheduler() -> None:
    """Queue the recurring jobs when they are due. Several may run; only one queues at a time."""
    _become("workers.scheduler", [])


def _become(module: str, arguments: list[str]) -> None:
    """Go on as `python -m module`: the package that holds the doors to RQ is not known to this one."""
    found = configured()
    found.require_database_url()
    found.require_redis_url()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)  # noqa: S606 - our own module


@commands.command(hidden=True)
def mailbox(folder: Path, port: int) -> None:
    """Keep mail that comes to 127.0.0.1:PORT as files in FOLDER."""
    from guardian.embedded.mailbox import serve

    serve(folder, port)


@commands.command()
def ship(
    folder: Annotated[Path | None, typer.Argument(help="The journal of a process, which starts this itself.")] = None,
    resend: Annotated[Path | None, typer.Option(help="Send the records of a set-aside.jsonl again, and end.")] = None,
) -> None:
    """Ship a journal to the ledger until standard input ends, or send again what the ledger has refused."""
    if (folder is None) is (resend is None):
        raise typer.BadParameter("Name the folder of a journal, or a file with --resend.")
    configured()
    logs.configure(settings(), "ship")
    if folder is not None:
        from guardian.jobs.shipping import run as run_shipping

        run_shipping(folder)
    if resend is not None:
        from guardian.jobs.resending import resend as send_again

        found = send_again(resend)
        typer.echo(f"{found.taken:,} sent, {found.refused:,} refused again and kept in {resend}.")
