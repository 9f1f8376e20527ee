"""However a provider cuts, orders, repeats or restates its pages (over real HTTP): the ledger of one clean pull."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from guardian import db
from guardian.models.enums import Provider
from guardian.periods import HOUR
from guardian.pricing.calculator import price
from guardian.providers.base import BaseProvider
from guardian.providers.registry import provider_for
from guardian.services.ledger.writing.buckets import replace_buckets
from tests.conftest import People
from tests.fakes.openai_api import ADMIN_KEY, OpenAIFake
from tests.fakes.provider_server import FakeProvider
from tests.jobs.conftest import FIRST_DAY
from tests.unit.ledger.making import account, contents

PATH = "/organization/usage/completions"
HOURS = 6
KINDS = [(model, project) for model in ("gpt-6-sol", "gpt-9-nova") for project in (None, "proj_web")]
Bucket = tuple[int, list[dict[str, Any]]]  # the number of its hour, and rows as OpenAI writes them

# Tokens (uncached, out) by hour and kind.
states = st.dictionaries(
    st.tuples(st.integers(0, HOURS - 1), st.sampled_from(KINDS)),
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**5)),
    max_size=10,
)


@pytest.fixture
def openai(fake: FakeProvider) -> Generator[BaseProvider]:
    with closing(provider_for(Provider.OPENAI, pricer=price)) as adapter:
        yield adapter


def row(kind: tuple[str, str | None], tokens: tuple[int, int]) -> dict[str, Any]:
    model, project = kind
    made = OpenAIFake().plant_completion(0, model=model, project_id=project, uncached=tokens[0], output=tokens[1])
    del made["at"]
    return made


def buckets(state: dict[tuple[int, tuple[str, str | None]], tuple[int, int]]) -> list[Bucket]:
    return [(hour, [row(kind, n) for (at, kind), n in state.items() if at == hour]) for hour in range(HOURS)]


def start_of(hour: int) -> datetime:
    return FIRST_DAY + hour * HOUR


def page(found: list[Bucket], number: int, *, more: bool) -> dict[str, Any]:
    data = [
        {
            "object": "bucket",
            "start_time": int(start_of(hour).timestamp()),
            "end_time": int(start_of(hour + 1).timestamp()),
            "results": rows,
        }
        for hour, rows in found
    ]
    return {"object": "page", "data": data, "has_more": more, "next_page": f"page_{number}" if more else None}


def paged(pieces: list[Bucket], sizes: Iterator[int]) -> list[dict[str, Any]]:
    """The pieces on pages of these sizes, a bucket at most once on each page."""
    pages: list[list[Bucket]] = [[]]
    room = next(sizes)
    for piece in pieces:
        if len(pages[-1]) >= room or piece[0] in [hour for hour, _ in pages[-1]]:
            pages.append([])
            room = next(sizes)
        pages[-1].append(piece)
    return [page(found, number, more=number < len(pages) - 1) for number, found in enumerate(pages)]


@contextmanager
def undone() -> Iterator[Session]:
    with Session(db.engine(), expire_on_commit=False) as session:
        yield session
        session.rollback()


def pull(session: Session, people: People, fake: FakeProvider, openai: BaseProvider, pages: list[Any]) -> None:
    fake.heal()
    fake.serve(PATH, *pages)
    found = openai.get_usage(ADMIN_KEY, start_of(0), start_of(HOURS), "completions")
    replace_buckets(session, account(people.alice), list(found))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data(), earlier=states, final=states)
def test_any_pages(
    fake: FakeProvider, people: People, openai: BaseProvider, data: st.DataObject, earlier: Any, final: Any
) -> None:
    with undone() as session:
        pull(session, people, fake, openai, [page(buckets(final), 0, more=False)])
        clean = contents(session)
    with undone() as session:
        pull(session, people, fake, openai, [page(buckets(earlier), 0, more=False)])
        pieces: list[Bucket] = []
        for hour, rows in buckets(final):
            mixed = data.draw(st.permutations(rows))
            cut = data.draw(st.integers(0, len(mixed)))
            pieces += [(hour, mixed[:cut]), (hour, mixed[cut:])]
        pieces += data.draw(st.lists(st.sampled_from(pieces), max_size=4))
        pieces = data.draw(st.permutations(pieces))
        # Rows that were stated otherwise on an earlier page of the same walk: the later page is right.
        stale = {place: (n[0] + 1, n[1]) for place, n in final.items() if data.draw(st.booleans())}
        sizes = (data.draw(st.integers(1, 4)) for _ in iter(int, 1))
        pull(session, people, fake, openai, paged([*[b for b in buckets(stale) if b[1]], *pieces], sizes))
        assert contents(session) == clean
