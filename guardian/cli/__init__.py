"""The `guardian` command: every process of the product, and what an administrator does from a shell."""

import sys

import typer

# Reflex, FastAPI and the servers are imported inside the commands that need them: a worker starts without the pages.
from guardian.cli import care, demo, processes, usage
from guardian.errors import GuardianError

_app = typer.Typer(
    help="AI Cost Guardian: what your company spends on AI providers, live, to the cent, explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _part in (processes, demo, care, usage):
    _app.add_typer(_part.commands)


def main() -> None:
    """Run the command; an error of ours is one line on stderr and status 1, without a traceback."""
    try:
        _app()
    except GuardianError as error:
        print(f"guardian: {error.message}", file=sys.stderr)
        raise SystemExit(1) from None
