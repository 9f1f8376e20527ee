"""`guardian demo`: the product without a provider's key."""

from pathlib import Path
from typing import Annotated

import typer

from guardian import logs
from guardian.config import settings

commands = typer.Typer()


@commands.command()
def demo(
    data_dir: Annotated[Path, typer.Option(help="Its own data directory, never a real one.")] = Path(".guardian-demo"),
    seed: Annotated[int | None, typer.Option(help="What its made-up past follows from.")] = None,
) -> None:
    """Show the product with a made-up company: a sandbox provider, ten weeks of its past, and calls as you watch."""
    from guardian.demo.running import demo as run_demo

    run_demo(data_dir, seed)


@commands.command(name="demo-company", hidden=True)
def demo_company(folder: Path, port: int, web: str, gateway: str) -> None:
    """Be the sandbox provider and the company of a demonstration; `guardian demo` starts this itself."""
    from guardian.demo.process import run

    logs.configure(settings(), "demo")
    run(folder, port, web, gateway)
