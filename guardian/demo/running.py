"""`guardian demo`: the whole product in a directory of its own, with the sandbox provider beside it."""

import os
from pathlib import Path

from guardian.config import Settings, settings
from guardian.demo.company import Vendor
from guardian.demo.place import bare_environment, open_place
from guardian.demo.sandbox import anthropic, openai
from guardian.demo.sandbox.server import READY
from guardian.embedded.processes import free_port
from guardian.embedded.supervisor import say
from guardian.embedded.up import Companion, up

# All else that is set is a real installation's: its servers, its keys, its mail.
_KEPT = frozenset(
    {"guardian_host", "guardian_port", "guardian_gateway_port", "guardian_metrics_port", "guardian_log_format"}
)


def demo(folder: Path, seed: int | None) -> None:
    """Run until a signal comes; a second start goes on where the first was.

    Raises ConfigurationError when the folder holds anything but a demonstration, or a port is taken.
    """
    place = open_place(folder, seed)
    bare_environment(frozenset(name.upper() for name in Settings.model_fields if name not in _KEPT))
    port = free_port()
    sandbox = f"http://127.0.0.1:{port}"
    os.environ |= {
        "GUARDIAN_DEMO": "1",
        "GUARDIAN_DATA_DIR": str(place.folder),
        f"{Vendor.OPENAI}_BASE_URL": sandbox + openai.ROOT,
        f"{Vendor.ANTHROPIC}_BASE_URL": sandbox + anthropic.ROOT,
    }
    settings.cache_clear()
    found = settings()
    say("· this is a demonstration: its company, its calls and its bills are made up, and nothing leaves this machine")
    say("· making ten weeks of its past" if place.is_new else "· going on with the demonstration of before")
    up(
        found,
        Companion(
            "demo",
            [
                "demo-company",
                str(place.folder),
                str(port),
                _loopback(found.guardian_port),
                _loopback(found.guardian_gateway_port),
            ],
            ready=sandbox + READY,
            announce=f"· sign in as {place.email} with the password {place.password}\n"
            "· calls go through the gateway as long as this runs; Ctrl-C stops everything, the data stay in "
            f"{place.folder}\n"
            "· with keys of your own: make run",
        ),
    )


def _loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"
