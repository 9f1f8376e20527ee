"""The explorer's address: what it keeps, what it leaves out, and what nonsense in it means."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.services.ledger.views import USAGE_FILTERS
from guardian.ui import ranges
from guardian.ui.pages.usage import choices
from guardian.ui.pages.usage.address import Address, asked, before
from guardian.ui.pages.usage.read import buckets_for
from guardian.ui.ranges import CUSTOM, Range

NOW = datetime(2025, 11, 23, 7, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)


@given(st.lists(st.tuples(st.sampled_from(USAGE_FILTERS), WORDS), max_size=12))
def test_every_filter_survives_the_way_through_a_url(pairs: list[tuple[str, str]]) -> None:
    address = Address.of(pairs)
    assert Address.read(address.href.partition("?")[2]) == address
    assert address.href.isascii()
    assert {(name, value) for name, value in address.pairs} == set(pairs)


def test_what_is_unknown_or_empty_is_left_out_but_an_empty_filter_means_none() -> None:
    address = Address.read("utm_source=x&tz=&model=&model=gpt-5&model=gpt-5&range=7d&range=90d&hide=none")
    assert address.href == "/usage?range=90d&model=&model=gpt-5&hide=none"
    assert address.filters == {"model": ("", "gpt-5")}
    assert address.read_by == (("range", "90d"), ("model", ""), ("model", "gpt-5"))
    assert Address.read("").href == "/usage"


def test_another_filter_leads_back_to_the_first_page_and_closes_the_row() -> None:
    address = Address.read("model=gpt-5&tab=rows&cursor=abc&row=c1&groups=100&saved=v1")
    assert address.toggled("provider", "OPENAI").href == "/usage?provider=OPENAI&model=gpt-5&tab=rows&saved=v1"
    assert address.toggled("model", "gpt-5").href == "/usage?tab=rows&saved=v1"
    assert address.but({"range": "7d"}).href == "/usage?range=7d&model=gpt-5&tab=rows&saved=v1"
    # Closing the row or hiding a column keeps the place.
    assert address.but({"row": None}).href == "/usage?model=gpt-5&tab=rows&groups=100&cursor=abc&saved=v1"
    assert "cursor=abc&row=c1" in address.but({"hide": "tier"}).href
    assert address.lasting == "model=gpt-5&tab=rows"


def test_a_preset_and_days_exclude_each_other() -> None:
    days = Address.read("from=2025-11-01&to=2025-11-02")
    assert days.but({"range": "90d"}).href == "/usage?range=90d"
    back = days.but({"range": "90d"}).but({"range": None, "from": "2025-10-01", "to": "2025-10-09"})
    assert back.href == "/usage?from=2025-10-01&to=2025-10-09"


def test_nonsense_means_the_default() -> None:
    found = asked(
        Address.read("range=eon&tz=Mars&bucket=aeon&groupBy=colour&tab=x&sort=-x&groups=9999999"), NOW, "Europe/Berlin"
    )
    assert (found.span.preset, found.zone, found.bucket, found.group_by) == ("month", "Europe/Berlin", None, "model")
    assert (found.tab, found.sort, found.descending, found.most) == ("groups", "cost", True, 50)
    assert asked(Address.read("groupBy=tag:"), NOW, "UTC").group_by == "model"
    assert asked(Address.read("groupBy=tag:environment"), NOW, "UTC").group_by == "tag:environment"


@pytest.mark.parametrize(
    ("first", "last", "earlier"),
    [
        ("2025-11-01", "2025-11-23", ("2025-10-01", "2025-10-23")),
        ("2025-11-01", "2025-11-30", ("2025-10-01", "2025-10-31")),
        ("2025-03-01", "2025-03-30", ("2025-02-01", "2025-02-28")),
        ("2025-11-10", "2025-11-16", ("2025-11-03", "2025-11-09")),
        ("2025-11-01", "2025-12-01", ("2025-10-01", "2025-10-31")),
    ],
)
def test_what_a_range_is_compared_with(first: str, last: str, earlier: tuple[str, str]) -> None:
    found = ranges.before(Range(CUSTOM, date.fromisoformat(first), date.fromisoformat(last)))
    assert (found.first.isoformat(), found.last.isoformat()) == earlier


def test_a_running_day_is_compared_up_to_the_hour_that_had_begun_as_on_the_dashboard() -> None:
    _, running = before(Range(CUSTOM, date(2025, 11, 1), date(2025, 11, 23)), NOW, BERLIN)
    assert (running.start, running.end) == (
        datetime(2025, 9, 30, 22, tzinfo=UTC),
        datetime(2025, 10, 23, 7, tzinfo=UTC),  # 08:30 of summer time, in the hour that ends at 09:00
    )
    _, over = before(Range(CUSTOM, date(2025, 11, 3), date(2025, 11, 4)), NOW, BERLIN)
    assert over.end == datetime(2025, 11, 2, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "found"),
    [(1, ("hour", "day")), (3, ("hour", "day")), (30, ("day", "week")), (90, ("day", "week", "month")), (366, None)],
)
def test_only_buckets_that_make_a_legible_chart_are_offered(days: int, found: tuple[str, ...] | None) -> None:
    span = Range(CUSTOM, date(2025, 1, 1), date.fromordinal(date(2025, 1, 1).toordinal() + days - 1))
    assert buckets_for(span)[: len(found or ("week",))] == (found or ("week",))
    assert "hour" not in buckets_for(span) or days <= 4


def test_a_column_is_hidden_and_shown_by_the_address() -> None:
    address = Address.read("tab=rows")
    assert "tier" in choices.hidden(address)
    tier = next(choice for choice in choices.of_columns(address) if choice.label == "Tier")
    shown = Address.read(tier.href.partition("?")[2])
    assert (tier.current, "tier" in choices.hidden(shown)) == (False, False)
    assert choices.hidden(Address.read("hide=none")) == []
