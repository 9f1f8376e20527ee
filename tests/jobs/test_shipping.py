"""From the journal into the ledger while everything dies: each call once, and the sums exact."""

import base64
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlmodel import Session
from structlog.testing import capture_logs

from guardian import db
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.redis import RedisServer
from guardian.errors import NotFoundError
from guardian.jobs.resending import Resent, resend
from guardian.jobs.shipping import Announcer, Shipping
from guardian.journal import aside, places
from guardian.journal.intents import Intents
from guardian.journal.positions import read_position, waiting_bytes
from guardian.journal.shipper import Shipper
from guardian.journal.writing import Journal
from guardian.models import ApiKey, Organization
from guardian.models.enums import Plan, Provider, TeamRole
from guardian.services.actor import Actor
from guardian.services.ledger.ingest.entries import CallEntry, encode
from guardian.services.ledger.sums.rollups import disagreements
from tests.conftest import ENCRYPTION_KEY, ROOT, People, Servers, forget_caches, make_actor
from tests.jobs.processes import wait_for
from tests.unit.journal.making import write
from tests.unit.ledger_ingest.conftest import entry

DISTURBANCES = ["kill", "postgres", "kill", "redis", "both", "kill"] * (5 if os.environ.get("GUARDIAN_FULL") else 1)


def priced_entry(actor: Actor, number: int) -> CallEntry:
    """A call that costs `number` ten-billionths of a dollar: any that is missing or doubled shows in the sum."""
    return entry(actor, number, provider_cost=str(Decimal(number).scaleb(-10)))


def cost_of(count: int) -> Decimal:
    return Decimal(sum(range(count))).scaleb(-10)


def ledger() -> tuple[int, Decimal]:
    """How many calls it has, and what they cost; its sums have to agree."""
    with db.session() as session:
        assert disagreements(session) == []
        count, cost = session.connection().execute(text("SELECT count(*), sum(cost) FROM usage_logs")).one()
    return count, cost


def ship(folder: Path) -> int:
    """Everything that is there, in this process; gives how many records that were."""
    with Announcer() as announcer:
        shipping, shipped = Shipping(folder, announcer), 0
        while count := shipping.round():
            shipped += count
    return shipped


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Path]:
    held = places.own_folder(tmp_path / "journal")
    yield held.path
    held.release()


def test_what_is_in_the_journal_gets_into_the_ledger_once(environment: Servers, people: People, folder: Path) -> None:
    entries = [encode(priced_entry(people.alice, number)) for number in range(100)]
    write(folder, entries[:60])
    assert (ship(folder), ship(folder)) == (60, 0)
    write(folder, entries)  # the same again, and more
    assert ship(folder) == 100
    assert ledger() == (100, cost_of(100))
    assert waiting_bytes(folder) == 0


def test_a_key_that_the_gateway_calls_with_is_known_as_used(
    environment: Servers, people: People, folder: Path, session: Session
) -> None:
    seal = {"encrypted_key": "00", "iv": "00", "tag": "00", "hint": "x4Tq"}
    whose = {"user_id": people.alice.user_id, "organization_id": people.alice.organization_id}
    used, idle = (ApiKey(provider=Provider.OPENAI, label=label, **seal, **whose) for label in ("production", "spare"))
    session.add_all((used, idle))
    session.commit()
    told = [
        entry(people.alice, 1, api_key_id=used.id),
        entry(people.alice, 2, api_key_id=used.id),
        entry(people.alice, 3, api_key_id=idle.id, origin="ingest"),
    ]
    write(folder, [encode(each) for each in told])
    assert ship(folder) == 3
    session.expire_all()
    assert used.last_used is not None
    assert int(used.last_used.timestamp() * 1_000_000) == told[1].at
    assert idle.last_used is None


def test_what_the_ledger_cannot_take_is_set_aside_with_its_reason(
    environment: Servers, people: People, folder: Path
) -> None:
    good = [encode(priced_entry(people.alice, number)) for number in range(3)]
    wrong = [b"no entry", encode(entry(people.alice, 9, organization_id="gone"))]
    write(folder, [good[0], wrong[0], good[1], wrong[1], good[2]])
    with capture_logs() as logs:
        assert ship(folder) == 5
    assert ledger() == (3, cost_of(3))
    aside = [json.loads(line) for line in (folder / "set-aside.jsonl").read_text().splitlines()]
    assert ["no call" in aside[0]["reason"], aside[1]["reason"]] == [True, "Its organization does not exist any more."]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["shipping.set_aside"] * 2
    assert ship(folder) == 0


def test_what_a_dead_process_left_is_shipped_by_another_one(
    environment: Servers, people: People, folder: Path, tmp_path: Path
) -> None:
    dead, busy = places.own_folder(folder.parent), places.own_folder(folder.parent)
    write(dead.path, [encode(priced_entry(people.alice, number)) for number in range(4)])
    write(busy.path, [encode(priced_entry(people.alice, 4))])
    dead.release()
    ended = threading.Event()
    ended.set()
    with Announcer() as announcer:
        Shipping(folder, announcer).run(ended)
    assert ledger() == (4, cost_of(4))
    assert waiting_bytes(busy.path) > 0
    busy.release()


def test_calls_that_a_dead_process_wrote_no_end_of_are_shipped_as_what_they_are(
    environment: Servers, people: People, folder: Path
) -> None:
    dead = places.own_folder(folder.parent)
    unknown = (None, "unpriced", "stopped")
    under_way = Intents(dead.path)
    under_way.start()
    for number in (2, 3, 4):  # of 2 and 3 the outcome got into the journal, and the slot was not freed any more
        under_way.note(encode(entry(people.alice, number, known_cost=unknown)))
    write(dead.path, [encode(priced_entry(people.alice, number)) for number in range(4)])
    under_way.close()
    dead.release()
    ended = threading.Event()
    ended.set()
    for _ in range(2):
        with Announcer() as announcer:
            Shipping(folder, announcer).run(ended)
        assert ledger() == (5, cost_of(4))
    assert waiting_bytes(dead.path) == 0
    assert not (dead.path / "under-way").exists()


@dataclass(frozen=True)
class Stage:
    """Servers of this test's own, and whose calls these are."""

    postgres: PostgresServer
    redis: RedisServer
    alice: Actor


@pytest.fixture
def stage(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Stage]:
    postgres = PostgresServer(open_dir / "data", options={"fsync": "off", "full_page_writes": "off"})
    redis = RedisServer(open_dir / "data")
    try:
        monkeypatch.setenv("DATABASE_URL", postgres.start())
        monkeypatch.setenv("REDIS_URL", redis.start())
        monkeypatch.setenv("ENCRYPTION_KEY", ENCRYPTION_KEY)
        monkeypatch.setenv("GUARDIAN_DATA_DIR", str(open_dir / "data"))
        monkeypatch.setenv("GUARDIAN_LOG_FORMAT", "json")
        forget_caches()
        subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=os.environ, check=True)
        with Session(db.engine(), expire_on_commit=False) as session:
            acme = Organization(name="Acme", plan=Plan.ENTERPRISE)
            session.add(acme)
            session.flush()
            alice = make_actor(session, acme, "alice", TeamRole.OWNER)
            session.commit()
        yield Stage(postgres, redis, alice)
    finally:
        redis.stop()
        postgres.stop()
        forget_caches()


def test_everything_is_stopped_and_killed_at_random_and_each_call_is_in_the_ledger_once(
    stage: Stage, folder: Path
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    dice = random.Random(seed)
    journal, shipper = Journal(folder, 2**30, segment_bytes=100_000), Shipper(folder)
    over, sent = threading.Event(), list[int]()
    sender = threading.Thread(target=_send, args=(journal, stage.alice, sent, over))
    journal.start()
    shipper.start()
    try:
        sender.start()
        for what in DISTURBANCES:
            before = read_position(folder)
            wait_for(lambda before=before: read_position(folder) != before, f"shipping before: {what}")
            time.sleep(dice.uniform(0, 0.2))  # somewhere between reading, storing and noting that it is done
            _disturb(stage, shipper, what)
        over.set()
        sender.join()
        wait_for(lambda: waiting_bytes(folder) == 0, "the end of the shipping", every=0.2)
    finally:
        over.set()
        sender.join()
        journal.close()
        shipper.close()
    print(f"{len(sent)} calls")
    assert ledger() == (len(sent), cost_of(len(sent)))


def _send(journal: Journal, actor: Actor, sent: list[int], over: threading.Event) -> None:
    while not over.wait(0.001):
        journal.commit_blocking(encode(priced_entry(actor, len(sent))))
        sent.append(len(sent))


def _disturb(stage: Stage, shipper: Shipper, what: str) -> None:
    if what == "kill":
        wait_for(lambda: shipper.pid is not None, "a shipper")
        assert shipper.pid is not None
        os.kill(shipper.pid, signal.SIGKILL)
        return
    servers = {"postgres": [stage.postgres], "redis": [stage.redis], "both": [stage.postgres, stage.redis]}[what]
    for server in servers:
        server.stop()
    time.sleep(0.5)
    for server in servers:
        server.start()


def test_a_shipper_ends_in_order_and_ships_what_is_left(environment: Servers, people: People, folder: Path) -> None:
    shipper = Shipper(folder)
    shipper.start()
    wait_for(lambda: shipper.pid is not None, "a shipper")
    write(folder, [encode(priced_entry(people.alice, number)) for number in range(50)])
    shipper.close()
    assert shipper.pid is None
    assert ledger() == (50, cost_of(50))


_PARENT = """
import sys, time
from pathlib import Path
from guardian.journal.shipper import Shipper
shipper = Shipper(Path(sys.argv[1]))
shipper.start()
while shipper.pid is None:
    time.sleep(0.01)
print(shipper.pid, flush=True)
time.sleep(600)
"""


def test_a_shipper_ends_with_a_parent_that_is_killed_and_ships_what_it_left(
    environment: Servers, people: People, folder: Path
) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        write(folder, [encode(priced_entry(people.alice, number)) for number in range(50)])
        parent.kill()
        parent.wait()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()
    assert ledger() == (50, cost_of(50))


def test_what_was_set_aside_is_sent_again_and_counts_once(
    environment: Servers, people: People, folder: Path, session: Session
) -> None:
    good = [encode(priced_entry(people.alice, number)) for number in range(3)]
    early = encode(entry(people.alice, 9, organization_id="late", provider_cost="1"))
    aside.keep(folder, [(good[0], "a bug"), (b"no entry", "no call"), (good[1], "a bug"), (early, "no organization")])
    file = folder / aside.NAME
    with file.open("a") as opened:
        opened.write("what somebody wrote into it\n")
    write(folder, [good[1]])  # which got there otherwise meanwhile
    assert ship(folder) == 1
    assert aside.any_below(folder.parent)

    assert resend(file) == Resent(taken=2, refused=3)
    assert ledger() == (2, cost_of(2))
    lines = file.read_text().splitlines()
    assert "what somebody wrote into it" in lines
    assert {json.loads(line)["record"] for line in lines if line.startswith("{")} == {
        base64.b64encode(record).decode() for record in (b"no entry", early)
    }
    assert resend(file) == Resent(taken=0, refused=3)

    session.add(Organization(id="late", name="Late", plan=Plan.ENTERPRISE))
    session.commit()
    # As if it had been stopped before it was done, and more was set aside since.
    file.rename(file.with_name(file.name + ".resending"))
    aside.keep(folder, [(good[2], "a bug")])
    assert resend(file) == Resent(taken=2, refused=2)
    assert ledger()[0] == 4
    file.write_text("")
    assert resend(file) == Resent()
    assert not aside.any_below(folder.parent)
    with pytest.raises(NotFoundError):
        resend(file)
