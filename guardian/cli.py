"""The `guardian` command: every process of the product, and what an administrator does from a shell."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from guardian import db, logs
from guardian.config import Settings, settings
from guardian.embedded.discover import settings_with_embedded
from guardian.errors import ConfigurationError, GuardianError
from guardian.models.enums import UserRole

ROOT = Path(__file__).parents[1]

# Reflex, FastAPI and the servers are imported inside the commands that need them: a worker starts without the pages.
app = typer.Typer(
    help="AI Cost Guardian: what your company spends on AI providers, live, to the cent, explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="The keys that seal the vault.", no_args_is_help=True)
users = typer.Typer(help="People.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")


def configured() -> Settings:
    """The settings, completed by what a running `guardian up` of the same data directory has started."""
    os.environ.update(settings_with_embedded(settings()))
    settings.cache_clear()
    return settings()


@app.command()
def up() -> None:
    """Start everything on this machine: database, Redis and mailbox where none is configured, and all processes."""
    from guardian.embedded.up import up as run_everything

    run_everything(settings())


@app.command()
def web() -> None:
    """Serve the pages and the REST API on GUARDIAN_PORT."""
    from guardian.ui.server import serve

    found = configured()
    logs.configure(found, "web")
    serve(found)


@app.command()
def gateway() -> None:
    """Serve the gateway on GUARDIAN_GATEWAY_PORT."""
    from guardian.gateway.server import serve

    found = configured()
    logs.configure(found, "gateway")
    serve(found)


@app.command()
def worker(
    queues: Annotated[list[str] | None, typer.Argument(help="Queues to work on; all of them if none is named.")] = None,
) -> None:
    """Work on queued jobs. Start as many as you like, on as many machines as you like."""
    _become("workers.worker", queues or [])


@app.command()
def scheduler() -> None:
    """Queue the recurring jobs when they are due. Several may run; only one queues at a time."""
    _become("workers.scheduler", [])


def _become(module: str, arguments: list[str]) -> None:
    """Go on as `python -m module`: the package that holds the doors to RQ is not known to this one."""
    configured()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)  # noqa: S606 - our own module


@app.command()
def migrate() -> None:
    """Bring the database to the newest version."""
    from guardian.embedded.migrate import migrate as run_migrations

    configured()
    run_migrations(print)


@app.command()
def doctor() -> None:
    """Check everything that has to be right before one goes on; ends with status 1 if something is not."""
    from guardian.embedded.doctor import Finding, examine

    try:
        found = configured()
    except ConfigurationError as error:
        print(Finding("FAIL", "variables", error.message))
        raise typer.Exit(1) from None
    failed = False
    for finding in examine(found):
        print(finding, flush=True)
        failed = failed or finding.word == "FAIL"
    raise typer.Exit(1 if failed else 0)


@keys.command()
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Seal every stored provider key with ENCRYPTION_KEY; ENCRYPTION_KEY_PREVIOUS opens what it replaces."""
    from guardian.crypto import EncryptionService
    from guardian.services.people.provider_keys.rotation import reseal_batch

    found = configured()
    previous = found.encryption_key_previous
    encryption = EncryptionService(found.require_encryption_key(), previous.get_secret_value() if previous else None)
    resealed, current, unopened, after = 0, 0, 0, None
    while True:
        with db.session() as session:
            batch = reseal_batch(session, encryption, after=after, dry_run=dry_run)
        resealed, current = resealed + batch.resealed, current + batch.current
        for key in batch.unopened:
            unopened += 1
            print(f"cannot open {key.name} ({key.id}): {key.reason}", file=sys.stderr)
        if batch.last_id is None:
            break
        after = batch.last_id
    print(f"{resealed} {'would be ' if dry_run else ''}sealed anew, {current} already current, {unopened} not opened")
    raise typer.Exit(1 if unopened else 0)


@users.command()
def create(
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    name: Annotated[str | None, typer.Option(help="What people call them.")] = None,
    company: Annotated[str | None, typer.Option(help="The name of their organization.")] = None,
    role: Annotated[UserRole | None, typer.Option(help="Else: the first person administers the installation.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from a pipe.")] = False,
) -> None:
    """Add a person with an organization of their own; the password is asked for, or read from standard input."""
    from guardian.services.people import audit
    from guardian.services.people.access import accounts

    configured()
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with db.session() as session:
        user = accounts.register(session, email=email, password=password, name=name, company=company)
        if role is not None:
            user.role = role
        audit.record(
            session,
            None,
            "user.create",
            resource_type="user",
            resource_id=user.id,
            metadata={"role": user.role.value, "by": "command line"},
            organization_id=user.organization_id,
        )
    print(f"{user.email} can sign in now, as {user.role.value}")


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files, folders of logs, or archives (zip, tar, gz).")],
    format: Annotated[str | None, typer.Option(help="Else: told by the content.")] = None,
    organization: Annotated[str | None, typer.Option(help="Its id or name, where there is more than one.")] = None,
    user: Annotated[str | None, typer.Option(help="The address of who made the calls.")] = None,
    key: Annotated[str | None, typer.Option(help="The label of the provider's key that paid for them.")] = None,
) -> None:
    """Read usage from files: agents' logs, LiteLLM's spend logs, consoles' CSV exports, our own CSV. Doubles change
    nothing. Ends with status 1 if a file could not be read to its end.
    """
    from guardian.jobs.command_line import import_files

    configured()
    logs.configure(settings(), "import")
    raise typer.Exit(import_files(files, format=format, organization=organization, email=user, key_label=key))


@app.command()
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


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write.")],
) -> None:
    """Write the whole database to one file. The encryption key is not in it: keep that apart."""
    from guardian.embedded.backup import backup as write_backup

    size = write_backup(settings(), target)
    print(f"{target}: {size:,} bytes. Keep the encryption key too, but elsewhere: without it the stored keys are lost.")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A file that `guardian backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace everything in the database by a backup. Stop everything else first."""
    from guardian.embedded.backup import restore as read_backup

    if not yes:
        typer.confirm("Everything that is in the database now will be lost. Go on?", abort=True)
    read_backup(settings(), source)
    print("restored; `guardian up` or `guardian migrate` brings it to the newest version")


@app.command(hidden=True)
def mailbox(folder: Path, port: int) -> None:
    """Keep mail that comes to 127.0.0.1:PORT as files in FOLDER."""
    from guardian.embedded.mailbox import serve

    serve(folder, port)


@app.command(hidden=True)
def ship(folder: Path) -> None:
    """Ship the journal in FOLDER to the ledger until standard input ends."""
    from guardian.jobs.shipping import run as run_shipping

    configured()
    logs.configure(settings(), "ship")
    run_shipping(folder)


def main() -> None:
    """Run the command; an error of ours is one line on stderr and status 1, without a traceback."""
    try:
        app()
    except GuardianError as error:
        print(f"guardian: {error.message}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
