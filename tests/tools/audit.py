"""`make audit`: known vulnerabilities of the locked dependencies; status 0 none, 1 some, 2 when nobody could be asked.

A database of vulnerabilities that cannot be reached is no clean bill of health: that is said, and is a status of its
own, which a build on a closed network may choose to go on from.
"""

import json
import subprocess
import sys
from collections.abc import Sequence

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2
_SERVICES = ("pypi", "osv")
_SECONDS = 300


def audit(lock: str, service: str) -> tuple[int, str]:
    """What pip-audit says of one lock file: a status, and words."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--no-deps", "--disable-pip"]
    command += ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return UNKNOWN, f"{service} did not answer within {_SECONDS} s"
    return told(done.returncode, done.stdout, done.stderr)


def told(status: int, output: str, errors: str) -> tuple[int, str]:
    """What pip-audit meant: it also ends with 1 where it could not ask."""
    try:
        found = json.loads(output)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        last = errors.strip().splitlines()[-1:] or [f"pip-audit ended with status {status}"]
        return UNKNOWN, last[0]
    skipped = [each["name"] for each in found if "skip_reason" in each]
    lines = [
        f"{each['name']} {each['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version yet'}"
        for each in found
        for one in each.get("vulns", ())
    ]
    if lines:
        return VULNERABLE, "\n".join(lines)
    if skipped or not found:
        return UNKNOWN, f"{len(skipped)} of {len(found)} packages were skipped: {', '.join(skipped[:5])}"
    return CLEAN, f"{len(found)} packages, no known vulnerability"


def main(locks: Sequence[str]) -> int:
    worst = CLEAN
    for lock in locks:
        status, words = UNKNOWN, ""
        for service in _SERVICES:
            status, words = audit(lock, service)
            if status != UNKNOWN:
                break
        name = {
            CLEAN: "clean",
            VULNERABLE: "VULNERABLE",
            UNKNOWN: "NOT CHECKED: no database of vulnerabilities answers",
        }
        print(f"· {lock}: {name[status]}\n{words}")
        worst = max(worst, status, key=lambda each: (CLEAN, UNKNOWN, VULNERABLE).index(each))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
