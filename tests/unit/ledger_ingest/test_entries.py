"""A call as a record of the journal: what comes out is what went in."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.records import CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.ingest.entries import CallEntry, call_of, decode, encode, entry_of
from guardian.services.ledger.writing.calls import Call

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MAYBE = st.none() | TEXT
NUMBER = st.integers(0, 10**15)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=0, max_value=10**9)
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))
COUNT_NAMES = [name for name in UsageCounts.__dataclass_fields__ if name != "units"]
COUNTS = st.builds(
    lambda counts, units: UsageCounts(**counts, units=units),
    st.dictionaries(st.sampled_from(COUNT_NAMES), NUMBER),
    st.dictionaries(TEXT, DECIMALS, max_size=3),
)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    moment = draw(MOMENTS)
    usage = UsageRecord(
        provider=draw(st.sampled_from(Provider)),
        operation=draw(TEXT),
        model=draw(TEXT),
        start=moment,
        end=moment,
        counts=draw(COUNTS),
        requests=draw(st.none() | NUMBER),
        project_id=draw(MAYBE),
        external_key_id=draw(MAYBE),
        external_user_id=draw(MAYBE),
        service_tier=draw(MAYBE),
        dimensions=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        provider_cost=draw(st.none() | DECIMALS),
        doubts=tuple(draw(st.lists(TEXT, max_size=2))),
    )
    return Call(
        identity=tuple(draw(st.lists(TEXT, min_size=1, max_size=4))),
        origin=draw(st.sampled_from(UsageOrigin)),
        usage=usage,
        user_id=draw(TEXT),
        account_id=draw(MAYBE),
        api_key_id=draw(MAYBE),
        access_token_id=draw(MAYBE),
        cost=draw(
            st.none()
            | st.builds(CostBreakdown, amount=st.none() | DECIMALS, source=st.sampled_from(CostSource), reason=MAYBE)
        ),
        known_since=draw(st.none() | MOMENTS),
        response_time=draw(st.none() | NUMBER),
        status_code=draw(st.none() | NUMBER),
        error=draw(MAYBE),
        session=draw(MAYBE),
        tags=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        metadata=draw(st.dictionaries(TEXT, TEXT | NUMBER | st.booleans() | DECIMALS | st.lists(TEXT), max_size=3)),
    )


@given(call=calls())
def test_a_call_comes_out_as_it_went_in(call: Call) -> None:
    entry = entry_of(call, "o1")
    assert decode(encode(entry)) == entry
    assert entry.organization_id == "o1"
    out = call_of(decode(encode(entry)))
    # Decimals digit for digit: equal numbers may be written in two ways.
    assert repr(dict(out.usage.counts.units)) == repr(dict(call.usage.counts.units))
    assert str(out.usage.provider_cost) == str(call.usage.provider_cost)
    assert out == call


ENTRY = CallEntry(
    organization_id="o1", identity=("event", "1"), at=0, origin="gateway", provider="OPENAI", operation="chat",
    model="gpt-5", user_id="u1",
)  # fmt: skip


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    told = msgspec.structs.replace(ENTRY, model="a\ud800b", tags={"x\udfff": "y"}, session="\ud800")
    out = decode(encode(told))
    assert (out.model, out.tags, out.session, out.identity) == ("a?b", {"x?": "y"}, "?", ("event", "1"))
    call = call_of(ENTRY)
    assert call_of(entry_of(Call(**{**_fields(call), "metadata": {"m": "\ud800"}}), "o1")).metadata == {"m": "?"}


def _fields(call: Call) -> dict[str, object]:
    return {name: getattr(call, name) for name in Call.__dataclass_fields__}


@pytest.mark.parametrize("record", [b"", b"\xc1", b"\x90", b"{}", encode(ENTRY)[:-1], encode(ENTRY) + b"x"])
def test_what_is_no_entry_is_refused(record: bytes) -> None:
    with pytest.raises(ValidationError, match="The record is no call"):
        decode(record)


def test_a_newer_version_is_refused_and_an_older_and_shorter_one_is_read() -> None:
    with pytest.raises(ValidationError, match="version 2"):
        decode(encode(msgspec.structs.replace(ENTRY, v=2)))
    values = msgspec.msgpack.decode(encode(ENTRY))
    assert decode(msgspec.msgpack.encode(values[:-4])) == ENTRY


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "NOBODY"},
        {"origin": "nowhere"},
        {"counts": {"made_up_tokens": 1}},
        {"units": {"images": "many"}},
        {"provider_cost": "free"},
        {"at": 10**18},
        {"metadata": "{"},
        {"known_cost": ("1", "guessed", None)},
    ],
)
def test_values_that_no_call_has_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="says what no call does"):
        call_of(msgspec.structs.replace(ENTRY, **wrong))


def test_money_stays_exact() -> None:
    entry = msgspec.structs.replace(ENTRY, provider_cost="0.0000002", units={"images": "3.10"})
    usage = call_of(decode(encode(entry))).usage
    assert usage.provider_cost == Decimal("0.0000002")
    assert str(usage.counts.units["images"]) == "3.10"
