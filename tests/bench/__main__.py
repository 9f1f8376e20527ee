"""`python -m tests.bench [name …]`: runs every bench_<name>.py here, or those named, and prints one table.

A bench module has `run() -> list[Figure]`. GUARDIAN_FULL=1 runs the real sizes, which take minutes.
"""

import importlib
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure, table
from tests.bench.place import FULL


def main(wanted: list[str]) -> int:
    """Print the table; the status is 2 for a name that there is no bench of."""
    names = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    if unknown := set(wanted) - set(names):
        print(f"No such bench: {', '.join(sorted(unknown))}. There are: {', '.join(names)}.")
        return 2
    found: list[Figure] = []
    for name in wanted or names:
        started = time.monotonic()
        print(f"{name} …", flush=True)
        found += importlib.import_module(f"tests.bench.bench_{name}").run()
        print(f"{name} took {time.monotonic() - started:.0f} s", flush=True)
    print()
    print(table(found))
    if not FULL:
        print("\nSmall sizes: the figures only show that the benches run. `make bench` runs the real ones.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
