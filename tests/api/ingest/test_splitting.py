"""A body that has something in it which is no JSON is cut where a sound one of the same list would be."""

import json

from hypothesis import given
from hypothesis import strategies as st

from guardian.api.ingest.splitting import events_in

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(_values, max_size=6), st.data(), st.booleans(), st.booleans())
def test_each_element_is_what_was_written(values: list[object], data: st.DataObject, ascii: bool, under: bool) -> None:
    written = [json.dumps(value, ensure_ascii=ascii).encode() for value in values]
    place = data.draw(st.integers(0, len(written)))
    written.insert(place, b'{"count": NaN}')
    separator = data.draw(st.sampled_from([b",", b" ,\n ", b", "]))
    body = b" [ " + separator.join(written) + b" ] "
    assert [bytes(raw) for raw in events_in(b'{"events":' + body + b"}" if under else body)] == written
