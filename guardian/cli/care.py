"""What an administrator does to an installation: migrate, examine, back up, restore, seal its keys anew, add people."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guardian import db
from guardian.cli.configured import configured
from guardian.config import settings
from guardian.errors import ConfigurationError
from guardian.models.enums import UserRole

if TYPE_CHECKING:
    from sqlmodel import Session

    from guardian.models import Organization, User

commands = typer.Typer()
keys = typer.Typer(help="The keys that seal the vault.", no_args_is_help=True)
users = typer.Typer(help="People.", no_args_is_help=True)
commands.add_typer(keys, name="keys")
commands.add_typer(users, name="users")


@commands.command()
def migrate() -> None:
    """Bring the database to the newest version."""
    from guardian.embedded.migrate import migrate as run_migrations

    configured()
    run_migrations(print)


@commands.command()
def doctor(
    audit: Annotated[bool, typer.Option("--audit", help="Only the audit log, a line for each organization.")] = False,
) -> None:
    """Check everything that has to be right before one goes on; ends with status 1 if something is not."""
    from guardian.embedded.doctor import Finding, examine, examine_audit

    try:
        found = configured()
    except ConfigurationError as error:
        print(Finding("FAIL", "variables", error.message))
        raise typer.Exit(1) from None
    failed = False
    for finding in examine_audit() if audit else examine(found):
        print(finding, flush=True)
        failed = failed or finding.word == "FAIL"
    raise typer.Exit(1 if failed else 0)


@commands.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Forget calls that are older than their organization's plan keeps, as a job does every night. Sums stay."""
    from guardian.jobs.retention import run

    configured()
    said: list[str] = []
    run(said.append, dry_run=dry_run)
    print("\n".join(said) or "nothing is older than the plans keep")


@keys.command()
def rotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Seal all that is stored sealed with ENCRYPTION_KEY; ENCRYPTION_KEY_PREVIOUS opens what it replaces."""
    from guardian.crypto import encryption
    from guardian.services.guard.resealing import reseal_all

    configured()
    resealed, current, unopened = 0, 0, 0
    for batch in reseal_all(encryption(), dry_run=dry_run):
        resealed, current = resealed + batch.resealed, current + batch.current
        for sealed in batch.unopened:
            unopened += 1
            print(f"cannot open {sealed.name} ({sealed.id}): {sealed.reason}", file=sys.stderr)
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
        _note(session, "USER_CREATE", user, user.organization_id, role=user.role.value)
    print(f"{user.email} can sign in now, as {user.role.value}")


@users.command("remove-second-factor")
def remove_second_factor(email: Annotated[str, typer.Argument(help="Whose sign-in asks for a code.")]) -> None:
    """Let somebody who lost their app and their recovery codes sign in without a code; they are told by mail."""
    from guardian.services.people.access import second_factors

    configured()
    with db.session() as session:
        user = second_factors.remove(session, email)
        _note(session, "SECOND_FACTOR_REMOVE", user, user.organization_id)
    print(f"{user.email} signs in without a code now")


@users.command("lift-sign-in-rule")
def lift_sign_in_rule(
    email: Annotated[str, typer.Argument(help="A person whose organization asks for a sign-in provider.")],
) -> None:
    """Let the members of that person's organization sign in as they like, when its sign-in provider is gone."""
    from guardian.services.people import sign_in_rules

    configured()
    with db.session() as session:
        organization = sign_in_rules.lift_rule(session, email)
        _note(session, "ORGANIZATION_SIGN_IN", organization, organization.id)
    print(f"The members of {organization.name} sign in as they like now")


def _note(
    session: "Session", action: str, of: "User | Organization", organization_id: str | None, **facts: str
) -> None:
    """In the audit log of the organization: nobody is signed in here."""
    from guardian.services.people import audit

    audit.record(
        session,
        None,
        action,
        resource_type=type(of).__name__.lower(),
        resource_id=of.id,
        metadata={**facts, "by": "command line"},
        organization_id=organization_id,
    )


@commands.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write.")],
) -> None:
    """Write the whole database to one file. The encryption key is not in it: keep that apart."""
    from guardian.embedded.backup import backup as write_backup

    size = write_backup(settings(), target)
    print(f"{target}: {size:,} bytes. Keep the encryption key too, but elsewhere: without it the stored keys are lost.")


@commands.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A file that `guardian backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace everything in the database by a backup. Stop everything else first."""
    from guardian.embedded.backup import restore as read_backup

    if not yes:
        typer.confirm("Everything that is in the database now will be lost. Go on?", abort=True)
    for warning in read_backup(settings(), source):
        print(f"! {warning}", file=sys.stderr)
    print("restored; `guardian up` or `guardian migrate` brings it to the newest version")
