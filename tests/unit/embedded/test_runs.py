"""What a run writes down: true only while its processes live, and never a reason to end somebody else's."""

import json
import subprocess
from pathlib import Path

from guardian.embedded.runs import Identified, RunFolder


def test_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.acquire()
    with subprocess.Popen(["sleep", "600"]) as bystander:
        try:
            record = {"pid": bystander.pid, "created": Identified.of(bystander.pid).created - 100, "run": "00"}
            (tmp_path / "run" / "web.json").write_text(json.dumps(record))
            assert run.stop_orphans() == []
            assert bystander.poll() is None
        finally:
            bystander.kill()
    assert not (tmp_path / "run" / "web.json").exists()
    run.release()


def test_a_damaged_record_is_cleared_away(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.acquire()
    (tmp_path / "run" / "web.json").write_text("{")
    assert run.stop_orphans() == []
    assert not (tmp_path / "run" / "web.json").exists()
    run.release()


def test_what_is_published_is_true_only_while_its_publisher_lives(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.published() == {}
    run.acquire()
    run.publish({"DATABASE_URL": "postgresql://somewhere"})
    assert RunFolder(tmp_path).published() == {"DATABASE_URL": "postgresql://somewhere"}
    file = tmp_path / "run" / "embedded.json"
    facts = json.loads(file.read_text())
    file.write_text(json.dumps(facts | {"created": facts["created"] - 1}))
    assert RunFolder(tmp_path).published() == {}
    run.release()
