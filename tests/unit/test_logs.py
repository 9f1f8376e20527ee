"""Logs and error tracking: what leaves the process has no secret in it, whatever was on the stack."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from guardian.logs import mask
from tests.fakes.tracker import Tracker, tracking

PROGRAM = """
import logging, sys
import sentry_sdk, structlog
from guardian import logs
from guardian.config import settings

logs.configure(settings(), "test")
password = "hunter2-in-a-variable"

def fails(secret):
    logging.getLogger("x").warning("crumb of sk-admin-in-a-breadcrumb1")
    logging.getLogger("x").error("an error that is only logged")
    raise RuntimeError("no good: sk-admin-in-the-message1 " + "gdn_in-the-message2")

try:
    fails("hunter3-as-an-argument")
except RuntimeError as error:
    structlog.get_logger("y").error("failed", exc_info=error, key="sk-admin-in-a-log-field")
    with sentry_sdk.new_scope() as scope:
        scope.set_extra("nested", {"list": ["sk-admin-in-an-extra1"]})
        sentry_sdk.capture_exception(error)
sentry_sdk.flush(10)
"""
SECRETS = (
    b"hunter2",
    b"hunter3",
    b"in-a-breadcrumb1",
    b"in-the-message1",
    b"in-the-message2",
    b"in-an-extra1",
    b"in-a-log-field",
)


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    with tracking() as found:
        yield found


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_secret_is_sent_or_logged(tracker: Tracker, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", tracker.dsn)
    monkeypatch.setenv("GUARDIAN_LOG_FORMAT", form)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, timeout=60)
    envelopes = b"".join(tracker.bodies)
    assert b"RuntimeError" in envelopes
    assert b"no good: sk-adm" in envelopes
    assert b"crumb of" in envelopes
    # What is only logged was foreseen, and is a line of the log.
    assert len(tracker.events) == 1
    assert b"only logged" in done.stderr
    assert b"RuntimeError" in done.stderr
    for secret in SECRETS:
        assert secret not in envelopes, secret
        assert secret not in done.stderr, secret


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("sk-proj-abcdef123456", "sk-pro…"),
        ("key=sk-ant-admin01-xyz_9, next", "key=sk-ant…, next"),
        ("gdn_AbC-123_xyz!", "gdn_Ab…!"),
        ("whsec_abc/def+ghi=", "whsec_…"),
        ("xai-token-123456", "xai-to…"),
        ("Failing row contains (c1,\n $argon2id$, a).\n[SQL: x]", "Failing row contains (…).\n[SQL: x]"),
        ("a risk-free task-force", "a risk-free task-force"),
        ("sk-x", "sk-x"),
        ("to redis://default:hunter2@cache:6379/0, not", "to redis://default:…@cache:6379/0, not"),
        ("postgresql://guardian:p%40ss:w0rd@db/x?a=b", "postgresql://guardian:…@db/x?a=b"),
        ("https://acme.test:8443/a@b and rediss://:word@h", "https://acme.test:8443/a@b and rediss://:…@h"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask(text) == masked
