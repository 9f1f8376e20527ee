"""A notice is stored as JSON and comes back as it was, to the last digit."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from guardian.channels.notice import Cause, Notice
from guardian.models.enums import AlertState
from tests.unit.channels.notices import notice

_AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**9), max_value=10**9)
_MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))


@given(
    value=st.none() | _AMOUNTS,
    causes=st.lists(st.builds(Cause, label=st.text(), amount=_AMOUNTS, share=st.none() | _AMOUNTS)),
    sentence=st.text(),
    items=st.lists(st.text()),
    state=st.sampled_from(AlertState),
    start=st.none() | _MOMENTS,
    at=_MOMENTS,
)
def test_what_is_stored_comes_back(
    value: Decimal | None,
    causes: list[Cause],
    sentence: str,
    items: list[str],
    state: AlertState,
    start: datetime | None,
    at: datetime,
) -> None:
    one = notice(
        value=value,
        causes=tuple(causes),
        sentence=sentence,
        items=tuple(items),
        state=state,
        window_start=start,
        occurred_at=at,
    )
    assert Notice.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_its_json_is_what_others_read() -> None:
    stored = notice().to_json()
    assert (stored["value"], stored["threshold"], stored["unit"]) == ("312.4", "250", "dollars")
    assert (stored["alertId"], stored["state"], stored["previous"]) == ("calert", "firing", "ok")
    assert stored["occurredAt"] == "2026-05-04T09:30:00Z"
    assert stored["causes"] == [
        {"label": "more calls", "amount": "50", "unit": "dollars", "share": "80"},
        {"label": "price of gpt-5", "amount": "12.4", "unit": "dollars", "share": None},
    ]
