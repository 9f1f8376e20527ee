"""Container image, compose file and systemd units: what they name exists, and nothing runs as root."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from guardian import cli
from guardian.config import Settings
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
COMMANDS = set(get_command(cli._app).commands)  # type: ignore[attr-defined]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: each for name, each in COMPOSE["services"].items() if each.get("image") == "ai-cost-guardian"}
UNITS = sorted((DEPLOY / "systemd").iterdir())
VARIABLES = {name.upper() for name in Settings.model_fields}


def test_images_are_named_without_a_host() -> None:
    images = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    images += [each["image"] for each in COMPOSE["services"].values()]
    assert images
    for image in images:
        assert "/" not in image, image
        assert "." not in image.split(":")[0], image


def test_the_image_copies_what_is_there_and_runs_as_nobody_special() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    last = CONTAINERFILE.rpartition("FROM ")[2]
    user = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    assert user == ["guardian"]
    assert re.search(r"useradd .*--uid [1-9]\d{3,} .*guardian", last)
    assert 'ENTRYPOINT ["guardian"]' in last
    assert re.findall(r'^CMD \["(\w+)"\]', last, re.MULTILINE)[0] in COMMANDS
    for module in re.findall(r"python -m (guardian\S*)", CONTAINERFILE):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), module
    assert "--require-hashes" in CONTAINERFILE


def test_nothing_private_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".guardian", "tests"} <= set(ignored)


def test_every_process_is_in_the_compose_file() -> None:
    assert {each["command"][0] for each in OURS.values()} == {"migrate", "web", "gateway", "worker", "scheduler"}
    for name, each in OURS.items():
        assert each["command"][0] in COMMANDS
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in each["security_opt"], name
        assert "/tmp" in each["tmpfs"], name
        assert set(each["environment"]) <= VARIABLES, name
        assert name == "migrate" or each["healthcheck"]["test"][0] == "CMD"
    for name in ("postgres", "redis"):
        assert "healthcheck" in COMPOSE["services"][name]


def test_healthchecks_ask_for_what_is_served() -> None:
    ports = {"web": 8000, "gateway": 8001, "worker": 8002, "scheduler": 8002}
    defaults = Settings.model_fields
    assert (defaults["guardian_port"].default, defaults["guardian_gateway_port"].default) == (8000, 8001)
    assert defaults["guardian_metrics_port"].default == 8002
    for name, port in ports.items():
        program = OURS[name]["healthcheck"]["test"][-1]
        assert f"127.0.0.1:{port}/health/" in program
        compile(program, name, "exec")


def test_dependencies_and_volumes_are_there() -> None:
    for each in COMPOSE["services"].values():
        for other in each.get("depends_on", {}):
            assert other in COMPOSE["services"]
        for volume in each.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]


def test_variables_of_the_compose_file_are_in_the_example() -> None:
    example = dict(
        line.split("=", 1) for line in (DEPLOY / "env.example").read_text().splitlines() if line and line[0] != "#"
    )
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked - {"ENCRYPTION_KEY_PREVIOUS"} == set(example)
    assert not any(example[name] for name in example if "PASSWORD" in name or "KEY" in name or "TOKEN" in name)


@pytest.mark.parametrize("unit", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.stem)
def test_units_start_our_commands_without_privileges(unit: Path) -> None:
    text = unit.read_text()
    started = re.findall(r"^ExecStart=/opt/ai-cost-guardian/\.venv/bin/guardian (\w+)$", text, re.MULTILINE)
    assert len(started) == 1
    assert started[0] in COMMANDS
    assert "User=guardian" in text
    assert "ProtectSystem=strict" in text
    assert "NoNewPrivileges=yes" in text
    for assignment in re.findall(r"^Environment=(.+)$", text, re.MULTILINE):
        for each in assignment.split():
            name = each.split("=")[0]
            assert name in VARIABLES or name.startswith("PYTHON"), name


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    for unit in UNITS:
        # The program is not installed there on this machine.
        text = unit.read_text().replace("/opt/ai-cost-guardian/.venv/bin/guardian", "/bin/true")
        (tmp_path / unit.name).write_text(text.replace("guardian-worker@", "guardian-worker@1"))
    if program is None:
        for unit in UNITS:
            assert "[Install]" in unit.read_text()
        return
    names = [path for path in sorted(tmp_path.iterdir()) if "@" not in path.name]
    (tmp_path / "guardian-worker@1.service").write_text((tmp_path / "guardian-worker@.service").read_text())
    done = subprocess.run(
        [program, "verify", *map(str, [*names, tmp_path / "guardian-worker@1.service"])],
        capture_output=True,
        text=True,
        timeout=60,
    )
    wrong = [line for line in done.stderr.splitlines() if "guardian" in line and "/usr/lib" not in line]
    assert wrong == [], done.stderr
