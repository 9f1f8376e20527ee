"""What a run of the tests leaves behind is looked through for the secrets that its fixtures planted.

PostgreSQL's write-ahead log and Redis's append-only file hold what the tests wrote, rows that are deleted since too.
"""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.fakes import anthropic_api, compatible_api, google_api, openai_api, xai_api
from tests.tools.secrets import written

PLANTED = (
    openai_api.ADMIN_KEY,
    openai_api.PROJECT_KEY,
    anthropic_api.ADMIN_KEY,
    anthropic_api.INFERENCE_KEY,
    anthropic_api.ENTERPRISE_KEY,
    compatible_api.KEY,
    compatible_api.ROUTER_KEY,
    compatible_api.ROUTER_ADMIN_KEY,
    google_api.GEMINI_KEY,
    google_api.AUTH_KEY,
    xai_api.MANAGEMENT_KEY,
    xai_api.INFERENCE_KEY,
    "correct horse battery",  # what people of the tests sign in with
)
_LINES = 5  # of what was found, to be shown of a file


def left_in(paths: Sequence[Path], planted: Iterable[str] = PLANTED) -> list[str]:
    """Where a secret is in these files and folders, in whatever way it is written: "file: what".

    It is grep that reads: a second or two for a run's servers. Raises CalledProcessError where it could not; files that
    a running server takes away meanwhile are none to complain of.
    """
    needles: dict[bytes, str] = {}
    for secret in planted:
        for how, text in written(secret).items():
            needles.setdefault(text, f"{secret[:6]}… {how}")
    there = [str(path) for path in paths if path.exists()]
    if not there:
        return []
    command = ["grep", "-raoHFf", "-", "--", *there]
    done = subprocess.run(command, input=b"\n".join(needles), capture_output=True, check=False, env={"LC_ALL": "C"})
    if not all(line.endswith(b"No such file or directory") for line in done.stderr.splitlines()):
        done.check_returncode()
    found: list[str] = []
    for line in sorted(set(done.stdout.splitlines())):
        place, _, text = line.partition(b":")
        found.append(f"{place.decode()}: {needles.get(text, 'a secret')}")
    return found


def complaint(found: Sequence[str]) -> str:
    """What the run is failed with."""
    more = f"\n… and {len(found) - _LINES} more" if len(found) > _LINES else ""
    return "Secrets that tests planted are left in:\n" + "\n".join(found[:_LINES]) + more
