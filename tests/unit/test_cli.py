"""The `guardian` command: what it prints, its exit status, and one line instead of a traceback."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session, select

from guardian import cli
from guardian.config import settings
from guardian.crypto import EncryptionService, SealedSecret
from guardian.embedded.processes import free_port
from guardian.models import ActivityLog, ApiKey, Organization, SecondFactor, User
from guardian.models.enums import Provider, UserRole
from guardian.periods import utcnow
from guardian.services.people.access import accounts
from tests.conftest import ENCRYPTION_KEY, ROOT, People, Servers

PASSWORD = "correct horse battery"

Run = Callable[..., int]


@pytest.fixture
def run(environment: Servers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Give a command as a shell would; returns its exit status."""
    monkeypatch.setenv("GUARDIAN_DATA_DIR", str(tmp_path))

    def command(*arguments: str, stdin: str = "", **variables: str) -> int:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["guardian", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return command


def test_every_command_of_the_design_is_there(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name in (
        "up",
        "web",
        "gateway",
        "worker",
        "scheduler",
        "migrate",
        "doctor",
        "keys",
        "users",
        "backup",
        "restore",
    ):
        assert f"│ {name} " in shown, name
    assert "│ mailbox " not in shown


def test_the_first_person_administers_the_installation(
    run: Run, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--email", "Ann@Example.com", "--name", "Ann", "--password-stdin")
    assert run("users", "create", *arguments, stdin=f"{PASSWORD}\n") == 0
    assert capsys.readouterr().out == "ann@example.com can sign in now, as SUPER_ADMIN\n"
    user = session.exec(select(User)).one()
    assert accounts.authenticate(session, email="ann@example.com", password=PASSWORD, ip_address=None).id == user.id
    entry = session.exec(select(ActivityLog)).one()
    assert (entry.action, entry.resource_id, entry.organization_id) == ("USER_CREATE", user.id, user.organization_id)


def test_a_role_can_be_given(run: Run, session: Session) -> None:
    arguments = ("--email", "ann@example.com", "--role", "USER", "--password-stdin")
    assert run("users", "create", *arguments, stdin=PASSWORD) == 0
    assert session.exec(select(User.role)).one() == UserRole.USER


def test_a_lost_second_factor_and_a_rule_in_the_way(
    run: Run, session: Session, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    session.add(SecondFactor(user_id=people.bob.user_id, encrypted_secret="", iv="", tag="", confirmed_at=utcnow()))
    acme = session.get_one(Organization, people.bob.organization_id)
    acme.domain, acme.settings = "example.com", {"requireSignInWith": "oidc"}
    session.commit()
    assert run("users", "remove-second-factor", "bob@example.com") == 0
    assert run("users", "lift-sign-in-rule", "bob@example.com") == 0
    assert capsys.readouterr().out == (
        "bob@example.com signs in without a code now\nThe members of Acme sign in as they like now\n"
    )
    assert session.exec(select(SecondFactor)).all() == []
    rows = session.exec(select(ActivityLog).order_by(ActivityLog.sequence)).all()
    assert [(row.action, row.organization_id) for row in rows] == [
        ("SECOND_FACTOR_REMOVE", acme.id),
        ("ORGANIZATION_SIGN_IN", acme.id),
    ]
    for command in ("remove-second-factor", "lift-sign-in-rule"):
        assert run("users", command, "bob@example.com") == 1
        assert "not found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("email", "password", "word"),
    [
        ("ann", PASSWORD, "e-mail"),
        ("ann@example.com", "short", "at least 10"),
        ("taken@example.com", PASSWORD, "already"),
    ],
)
def test_a_person_who_cannot_be_made_is_one_line(
    run: Run, session: Session, capsys: pytest.CaptureFixture[str], email: str, password: str, word: str
) -> None:
    accounts.register(session, email="taken@example.com", password=PASSWORD)
    session.commit()
    assert run("users", "create", "--email", email, "--password-stdin", stdin=password) == 1
    error = capsys.readouterr().err
    assert error.startswith("guardian: ")
    assert error.count("\n") == 1
    assert word in error


def test_keys_are_rotated_without_a_pause(
    run: Run, session: Session, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = EncryptionService(ENCRYPTION_KEY), "c" * 64
    sealed = old.encrypt_api_key("sk-1")
    key = ApiKey(
        provider=Provider.ANTHROPIC,
        label="team",
        encrypted_key=sealed.encrypted_key,
        iv=sealed.iv,
        tag=sealed.tag,
        encryption_key_id=sealed.key_id,
        user_id=people.alice.user_id,
    )
    session.add(key)
    session.commit()
    ring = {"ENCRYPTION_KEY": new, "ENCRYPTION_KEY_PREVIOUS": ENCRYPTION_KEY}
    assert run("keys", "rotate", "--dry-run", **ring) == 0
    assert capsys.readouterr().out == "1 would be sealed anew, 0 already current, 0 not opened\n"
    assert run("keys", "rotate", **ring) == 0
    assert capsys.readouterr().out == "1 sealed anew, 0 already current, 0 not opened\n"
    assert run("keys", "rotate", **ring) == 0
    assert capsys.readouterr().out == "0 sealed anew, 1 already current, 0 not opened\n"
    session.refresh(key)
    stored = SealedSecret(key.encrypted_key, key.iv, key.tag, key.encryption_key_id)
    assert EncryptionService(new).decrypt_api_key(stored) == "sk-1"
    assert run("keys", "rotate", ENCRYPTION_KEY="d" * 64, ENCRYPTION_KEY_PREVIOUS="e" * 64) == 1
    shown = capsys.readouterr()
    assert shown.out == "0 sealed anew, 0 already current, 1 not opened\n"
    assert f"cannot open ANTHROPIC team ({key.id})" in shown.err


def test_the_doctor_ends_with_status_1_when_something_is_wrong(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", PUBLIC_URL=f"http://127.0.0.1:{free_port()}") == 1  # no SMTP_HOST
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == [
        "FAIL  email: SMTP_HOST is not set, so no alert and no invitation reaches anybody"
    ]


def test_the_doctor_names_the_wrong_variable(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", GUARDIAN_PORT="eighty", ENCRYPTION_KEY="zz") == 1
    shown = capsys.readouterr().out
    assert shown.startswith("FAIL  variables: ")
    assert "GUARDIAN_PORT" in shown
    assert "ENCRYPTION_KEY" in shown


def test_migrate_says_where_the_database_is(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("migrate") == 0
    assert capsys.readouterr().out.startswith("database at revision ")


def test_backup_and_restore(run: Run, session: Session, people: People, tmp_path: Path) -> None:
    file = tmp_path / "today.backup"
    assert run("backup", str(file)) == 0
    session.delete(session.get_one(User, people.charlie.user_id))
    session.commit()
    assert run("restore", str(file), stdin="n\n") == 1
    assert len(session.exec(select(User)).all()) == 2
    session.commit()
    assert run("restore", "--yes", str(file)) == 0
    assert len(session.exec(select(User)).all()) == 3


def test_a_wrong_variable_is_one_line_for_every_command(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("up", GUARDIAN_PORT="eighty") == 1
    error = capsys.readouterr().err
    assert error.startswith("guardian: Wrong settings: GUARDIAN_PORT")
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["worker", "scheduler"])
@pytest.mark.parametrize(("variable", "value"), [("DATABASE_URL", ""), ("REDIS_URL", ""), ("REDIS_URL", "http://x")])
def test_a_process_that_lacks_a_server_says_so_in_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], name: str, variable: str, value: str
) -> None:
    assert run(name, **{variable: value}) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"guardian: {variable} ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_the_doors_to_the_queue_go_on_as_processes_of_their_own(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    became: list[tuple[list[str], dict[str, str]]] = []

    def execve(_program: str, arguments: list[str], environment: dict[str, str]) -> None:
        became.append((arguments, environment))

    monkeypatch.setattr(os, "execve", execve)
    arguments = ["email-sending"] if name == "worker" else []
    assert run(name, *arguments) == 0
    ((command, environment),) = became
    assert command == [sys.executable, "-m", f"workers.{name}", *arguments]
    assert environment["PYTHONPATH"].startswith(str(ROOT))
    assert environment["REDIS_URL"] == settings().require_redis_url()


def test_commands_other_than_web_do_not_load_the_pages() -> None:
    imports = "import sys, guardian.cli, workers.worker, workers.scheduler"
    script = f"{imports}; print([name for name in ('reflex', 'fastapi') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_snippets_are_found_by_the_beginning_of_their_name(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("snippet", "openai") == 0
    told = capsys.readouterr().out
    assert "OpenAI SDK, Python" in told
    assert "OpenAI SDK, JavaScript" in told
    assert run("snippet", "events", PUBLIC_URL="https://costs.acme.test") == 0
    assert "curl https://costs.acme.test/api/v1/usage" in capsys.readouterr().out
    assert run("snippet", "nothing") == 1
    assert "claude-code" in capsys.readouterr().err


def test_what_was_set_aside_is_sent_again(environment: Servers, tmp_path: Path) -> None:
    def ship(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "guardian.cli", "ship", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    file = tmp_path / "set-aside.jsonl"
    file.write_text("no record\n")
    done = ship("--resend", str(file))
    assert (done.returncode, done.stdout) == (0, f"0 sent, 1 refused again and kept in {file}.\n"), done.stderr
    assert file.read_text() == "no record\n"
    missing = ship("--resend", str(tmp_path / "nothing"))
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1), missing.stderr
    assert "nothing not found" in missing.stderr
    assert ship().returncode == 2
