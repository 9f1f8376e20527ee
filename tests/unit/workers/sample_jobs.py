"""Jobs that show what happened to them: each writes a line when it begins and one when it ends."""

import os
import time
from pathlib import Path


def note(folder: str, word: str) -> None:
    """One line in the diary; the pid tells the runs of one job apart."""
    with (Path(folder) / "diary").open("a") as diary:
        diary.write(f"{word} {os.getpid()}\n")


def quick(folder: str) -> str:
    note(folder, "quick")
    return "done"


def until_released(folder: str) -> str:
    """Runs until the file `released` is there."""
    note(folder, "begun")
    while not (Path(folder) / "released").exists():
        time.sleep(0.02)
    note(folder, "ended")
    return "done"


def poison(folder: str) -> None:
    """A job that takes its worker down with it."""
    note(folder, "poison")
    os.kill(os.getppid(), 9)
    time.sleep(60)
