"""Claude Code's logs: each message once, its last word, its price and whose it was."""

import gzip
import io
import tarfile
import zipfile
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from guardian.models import UsageLog
from guardian.models.enums import CostSource, ImportStatus, UsageOrigin
from guardian.services.ledger.imports import READERS, Importing, Report, Source
from guardian.services.ledger.sums.rollups import disagreements
from tests.conftest import People
from tests.unit.imports.making import Importer, claude, jsonl


def rows(session: Session) -> list[UsageLog]:
    session.expire_all()
    return list(session.exec(select(UsageLog).order_by(UsageLog.timestamp, UsageLog.id)))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("spaced", [False, True])
def test_a_message_becomes_a_priced_call(session: Session, people: People, bring: Importer, spaced: bool) -> None:
    user = {"type": "user", "timestamp": "2026-11-02T09:59:00Z", "sessionId": "s-1", "message": {"content": "hello"}}
    view = bring(jsonl(user, claude(), spaced=spaced))
    assert (view.status, view.format) == (ImportStatus.FINISHED, "claude-code")
    assert (view.rows_read, view.rows_added, view.rows_refused) == (1, 1, 0)
    (row,) = rows(session)
    assert (row.input_tokens, row.output_tokens, row.total_tokens) == (32_010, 400, 32_410)
    assert (row.cache_read_tokens, row.cache_write_5m_tokens, row.cache_write_1h_tokens) == (30_000, 1_500, 500)
    # claude-opus-4-5: $5 in, $25 out, $0.50 read, $6.25 and $10 written per million tokens:
    # 10 × 5 + 30,000 × 0.5 + 1,500 × 6.25 + 500 × 10 + 400 × 25 = 39,425 millionths
    assert (row.cost, row.cost_source) == (Decimal("0.0394250000"), CostSource.COMPUTED)
    assert row.tags == {"agent": "claude-code", "cost_basis": "imputed", "project": "/home/ada/shop", "branch": "main"}
    assert (row.session, row.user_id, row.origin) == ("s-1", people.alice.user_id, UsageOrigin.IMPORT)
    assert (row.service_tier, row.timestamp.isoformat()) == ("standard", "2026-11-02T10:00:00.123000+00:00")
    assert disagreements(session) == []


def test_the_last_word_of_a_stream_counts_wherever_it_stands(session: Session, bring: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    (folder / "one").mkdir(parents=True)
    begun = claude({"output_tokens": 7})
    ended = claude({"output_tokens": 322}, timestamp="2026-11-02T10:00:09.000Z")
    (folder / "one" / "b.jsonl").write_bytes(jsonl(begun, ended, claude({"output_tokens": 7})))
    (folder / "resumed.jsonl").write_bytes(jsonl(ended, begun))
    view = bring(folder)
    assert (view.rows_added, view.rows_duplicate) == (1, 4)
    (row,) = rows(session)
    assert row.output_tokens == 322
    # Its time is that of its first line: read again when it has grown, it is the same call.
    assert row.timestamp.isoformat() == "2026-11-02T10:00:00.123000+00:00"
    assert bring(folder).rows_duplicate == 5


def test_one_message_id_under_two_requests_is_two_calls_but_for_side_conversations(
    session: Session, bring: Importer
) -> None:
    retried = claude(requestId="req_2", timestamp="2026-11-02T10:05:00.000Z")
    replayed = claude({"output_tokens": 900}, requestId="req_9", isSidechain=True)
    own = claude(id="msg_side", requestId="req_3", isSidechain=True, timestamp="2026-11-02T11:00:00Z")
    view = bring(jsonl(replayed, claude(), retried, own, {**own, "requestId": "req_4"}))
    assert (view.rows_added, view.rows_duplicate) == (3, 2)
    assert [row.output_tokens for row in rows(session)] == [400, 400, 400]


def test_what_is_no_answer_of_a_model_is_nothing(session: Session, bring: Importer) -> None:
    synthetic = claude(model="<synthetic>")
    failed = claude(id="msg_2", isApiErrorMessage=True)
    empty = {"type": "summary", "summary": 'about "usage"'}
    view = bring(jsonl(synthetic, failed, empty, claude(id="msg_3")))
    assert (view.rows_read, view.rows_added) == (1, 1)


def test_a_bad_line_is_named_and_loses_nothing_else(session: Session, bring: Importer) -> None:
    nothing = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "cache_creation": None}
    negative = claude({"input_tokens": -5, **nothing}, id="m2")
    texts = claude({"input_tokens": "12", "output_tokens": "3"}, id="m3")
    wrong = claude({"output_tokens": "many"}, id="m4")
    lines = jsonl(claude(), negative, '{"type": "assistant", "message": {"usage": {"inp', texts, "garbage", wrong)
    view = bring(lines + jsonl(claude(id="m5", timestamp=None), claude(id="m6")).rstrip(b"\n"))
    assert view.status is ImportStatus.FINISHED
    assert (view.rows_added, view.rows_refused) == (3, 5)
    assert sorted(each["line"] for each in view.errors) == [2, 3, 5, 6, 7]  # type: ignore[type-var]
    said = {each["line"]: str(each["message"]) for each in view.errors}
    assert "input_tokens is negative" in said[2]
    assert said[3] == said[5] == "The line is no JSON object. It may be cut off."
    assert said[6].startswith("message.usage.output_tokens: ")
    assert said[7].startswith("timestamp is missing")


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz", "gz"])
def test_archives(session: Session, bring: Importer, kind: str) -> None:
    one, two = jsonl(claude(), claude(id="m2")), jsonl(claude(id="m3"), "cut {", claude())
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/one.jsonl", one)
            archive.writestr("a/two.jsonl", two)
            archive.writestr("a/readme.md", "no log")
    elif kind == "gz":
        packed.write(gzip.compress(one + two))
    else:
        with tarfile.open(fileobj=packed, mode="w:gz" if kind == "tgz" else "w") as archive:
            for name, content in (("a/one.jsonl", one), ("a/two.jsonl", two)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    view = bring(packed.getvalue(), f"logs.{kind}")
    assert (view.rows_added, view.rows_duplicate, view.rows_refused) == (3, 1, 1)
    where = [(each.get("file"), each["line"]) for each in view.errors]
    assert where == [(None, 4) if kind == "gz" else ("a/two.jsonl", 2)]
    whole = packed.getvalue()
    cut = bring(whole[: 600 if kind == "tar" else len(whole) // 2], "cut")
    assert cut.status is ImportStatus.FAILED
    assert "archive" in (cut.error or "")


_lines = st.lists(
    st.builds(
        lambda id, request, side, output, second: claude(
            {"output_tokens": output},
            id=f"m{id}",
            requestId=f"r{request}",
            isSidechain=side,
            timestamp=f"2026-11-02T10:00:{second:02d}Z",
        ),
        st.integers(0, 2),
        st.integers(0, 1),
        st.booleans(),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=14,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=_lines, order=st.randoms())
def test_whatever_the_order_of_lines_the_calls_are_the_same(tmp_path: Path, lines: list[object], order: object) -> None:
    def read(some: list[object]) -> set[str]:
        path = tmp_path / "log.jsonl"
        path.write_bytes(jsonl(*some))
        importing = Importing(run_id="r", organization_id="o", user_id="u", overrides={})
        report = Report()
        batches = list(READERS["claude-code"].read(Source(path), importing, report))
        found = [line.split("\t")[0] + line.split("\t")[7] for batch in batches for line in batch.priced.lines]  # type: ignore[attr-defined]
        assert len(found) == len(set(found))
        assert len(found) + report.duplicate == len(some)
        return set(found)

    shuffled = list(lines)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert read(lines) == read(shuffled)


def test_a_message_that_was_still_being_written_ends_as_its_final_usage(
    session: Session, people: People, bring: Importer
) -> None:
    begun, ended = claude({"output_tokens": 7}), claude({"output_tokens": 400}, timestamp="2026-11-02T10:00:09.000Z")
    bring(jsonl(begun))
    (first,) = rows(session)
    grown = bring(jsonl(begun, ended))
    assert (grown.rows_added, grown.rows_duplicate) == (0, 2)
    assert grown.notes == ("1 row was there already, still being written: the final usage is stored now.",)
    (row,) = rows(session)
    assert (row.id, row.timestamp, row.output_tokens) == (first.id, first.timestamp, 400)
    # As in test_a_message_becomes_a_priced_call
    assert (row.cost, row.cost_source) == (Decimal("0.0394250000"), CostSource.COMPUTED)
    assert sum(Decimal(line["amount"]) for line in row.bill or []) == row.cost
    assert disagreements(session) == []
    # Less than what is known changes nothing, nor does the same again, nor only the last line, which is later.
    for again in (jsonl(begun), jsonl(begun, ended), jsonl(ended)):
        assert bring(again).notes == ()
    assert [row.output_tokens for row in rows(session)] == [400]
    assert disagreements(session) == []


def test_a_message_over_midnight_is_one_whichever_line_comes_first(session: Session, bring: Importer) -> None:
    late = claude({"output_tokens": 7}, timestamp="2026-11-02T23:59:59.900Z")
    early = claude({"output_tokens": 90}, timestamp="2026-11-03T00:00:02Z")
    for line in (early, late, early):
        bring(jsonl(line))
    assert [row.output_tokens for row in rows(session)] == [90]
    bring(jsonl({**late, "requestId": "req_2"}))
    bring(jsonl({**early, "requestId": "req_2"}))
    assert [row.output_tokens for row in rows(session)] == [90, 90]
    assert disagreements(session) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 500), st.integers(0, 9)), min_size=1, max_size=10),
    cuts=st.lists(st.integers(0, 10), max_size=3),
    order=st.randoms(),
)
def test_however_a_log_is_split_ordered_and_repeated_each_message_ends_as_its_last_word(
    session: Session, bring: Importer, told: list[tuple[int, int, int]], cuts: list[int], order: Random
) -> None:
    known = {row.id for row in rows(session)}
    run = uuid4().hex
    lines = [
        claude(
            {"output_tokens": output}, id=f"{run}-{n}", requestId=f"r{n}", timestamp=f"2026-11-02T10:00:{second:02d}Z"
        )
        for n, output, second in told
    ]
    order.shuffle(lines)
    places = [0, *sorted(cuts), len(lines)]
    parts = [lines[start:end] for start, end in pairwise(places)]
    for part in [*parts, order.choice(parts)]:
        if part:
            bring(jsonl(*part))
    found = [row for row in rows(session) if row.id not in known]
    expected = {n: max(output for m, output, _ in told if m == n) for n, _, _ in told}
    assert sorted(row.output_tokens for row in found) == sorted(expected.values())
    # 10 × 5 + 30,000 × 0.5 + 1,500 × 6.25 + 500 × 10 = 29,425 millionths, and 25 for each token of output
    costs = [Decimal(29_425 + 25 * output) / 1_000_000 for output in expected.values()]
    assert sum(row.cost or 0 for row in found) == sum(costs)
    assert disagreements(session) == []


def test_lifetimes_that_are_more_than_their_total_are_used(session: Session, bring: Importer) -> None:
    split = {"ephemeral_5m_input_tokens": 1_500, "ephemeral_1h_input_tokens": 500}
    for id, told in (("m1", 0), ("m2", None), ("m3", 400)):
        bring(jsonl(claude({"cache_creation_input_tokens": told, "cache_creation": split}, id=id)))
    found = rows(session)
    assert [(row.cache_write_5m_tokens, row.cache_write_1h_tokens, row.input_tokens) for row in found] == (
        [(1_500, 500, 32_010)] * 3
    )
    assert {row.cost_source for row in found} == {CostSource.ESTIMATED}


def test_a_time_beyond_its_bits_is_refused(bring: Importer) -> None:
    view = bring(jsonl(claude(), claude(id="m2", timestamp="9998-01-01T00:00:00Z")))
    assert (view.rows_added, view.rows_duplicate, view.rows_refused) == (1, 0, 1)
