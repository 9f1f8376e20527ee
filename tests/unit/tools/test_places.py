"""The folders of test runs: as open as servers need, kept while their run lives, gone after it however it ended."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.tools.places import open_folder

_HOLDS = """
import time
from tests.tools.places import open_folder
with open_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_folder_is_open_to_walk_through_and_gone_afterwards() -> None:
    with open_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o711
        (folder / "data").mkdir()
    assert not folder.exists()


def test_what_a_killed_run_left_goes_with_the_next_and_no_other_does() -> None:
    run = subprocess.Popen([sys.executable, "-c", _HOLDS], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        theirs = Path(run.stdout.readline().strip())
        with open_folder():
            assert theirs.exists(), "its run still lives"
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert theirs.exists()
        with open_folder() as mine:
            assert not theirs.exists()
            assert mine.exists()
    finally:
        run.kill()
        run.communicate()
