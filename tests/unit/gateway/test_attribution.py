"""Attribution headers: ours and those of other gateways, and what becomes of bad ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.gateway import attribution
from guardian.gateway.attribution import NOBODY, Attribution, attribution_of, is_ours, split


def of(**headers: str) -> Attribution:
    return attribution_of([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-guardian-tags": "team=web, feature=search",
                "x-guardian-user": "u-1",
                "x-guardian-session": "s-1",
            },
            Attribution({"team": "web", "feature": "search"}, "u-1", "s-1"),
        ),
        (
            {"x-litellm-tags": "prod,team=web", "x-litellm-end-user-id": "u-2", "x-litellm-session-id": "s-2"},
            Attribution({"prod": "true", "team": "web"}, "u-2", "s-2"),
        ),
        ({"x-litellm-customer-id": "u-3"}, Attribution(user="u-3")),
        (
            {"x-litellm-spend-logs-metadata": '{"project": "proj_abc", "n": 3, "ok": true, "none": null}'},
            Attribution(metadata={"project": "proj_abc", "n": "3", "ok": "true"}),
        ),
        (
            {
                "helicone-auth": "Bearer sk-h",
                "helicone-user-id": "u-4",
                "helicone-property-conversation": "support issue 2",
                "helicone-property-app": "mobile",
                "helicone-session-id": "s-4",
            },
            Attribution({"conversation": "support issue 2", "app": "mobile"}, "u-4", "s-4"),
        ),
        (
            {
                "x-portkey-api-key": "pk",
                "x-portkey-metadata": '{"_user": "u-5", "_environment": "prod", "team": "web"}',
                "x-portkey-trace-id": "t-5",
            },
            Attribution({"environment": "prod", "team": "web"}, "u-5", "t-5"),
        ),
        ({"x-bf-vk": "sk-bf-1", "x-bf-session-id": "s-6"}, Attribution(session="s-6")),
        ({"x-guardian-tags": "note=a%2Cb=c"}, Attribution({"note": "a,b=c"})),
    ],
)
def test_each_dialect_means_what_it_meant_there(headers: dict[str, str], expected: Attribution) -> None:
    ours = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert attribution_of(ours) == expected
    assert split(ours) == ([], ours)


def test_ours_wins_and_the_body_comes_last() -> None:
    headers = [
        (b"x-litellm-tags", b"team=litellm,only=litellm"),
        (b"helicone-user-id", b"helicone"),
        (b"x-guardian-tags", b"team=ours"),
        (b"x-portkey-metadata", b'{"team": "portkey", "_user": "portkey"}'),
    ]
    found = attribution_of(headers, "body", ["team=body", "batch"])
    assert found == Attribution({"team": "ours", "only": "litellm", "batch": "true"}, "portkey", None)


def test_the_body_alone() -> None:
    assert attribution_of([], "u-7", ["a", "team=web"]) == Attribution({"a": "true", "team": "web"}, "u-7")
    assert attribution_of([]) is NOBODY


def test_bad_ones_are_left_out_and_counted() -> None:
    long = "x" * (attribution.LONGEST_VALUE + 1)
    found = attribution_of(
        [
            (b"x-guardian-tags", f"=no name,empty=,{'n' * 65}=1,team={long},good=1".encode()),
            (b"x-guardian-user", long.encode()),
            (b"x-portkey-metadata", b"not json"),
            (b"x-litellm-spend-logs-metadata", b'[1, {"a": 2}]'),
            (b"x-litellm-tags", b"y" * 9_000),
        ]
    )
    assert found == Attribution({"good": "1"}, ignored=8)
    nested = attribution_of([(b"x-portkey-metadata", b'{"a": {"b": 1}, "c": [1], "d": "ok"}')])
    assert nested == Attribution({"d": "ok"}, ignored=2)


def test_a_call_has_no_more_than_so_many_tags() -> None:
    found = of(x_guardian_tags=",".join(f"t{n}=1" for n in range(50)))
    assert (len(found.tags), found.ignored) == (attribution.MOST_TAGS, 50 - attribution.MOST_TAGS)


def test_what_the_database_does_not_store_is_taken_out() -> None:
    headers = [(b"x-guardian-user", b"a\x00\x1fb"), (b"x-guardian-tags", "team=Münch\u200ben".encode())]
    assert attribution_of(headers) == Attribution({"team": "München"}, "ab")
    assert attribution_of([(b"x-guardian-user", b"M\xfcller")]).user == "Müller"  # latin-1, as HTTP once had it
    assert attribution_of([(b"x-portkey-metadata", b'{"_user": "\\ud800x\\u0000"}')]).user == "x"


def test_none_of_them_goes_on_and_all_else_does() -> None:
    headers = [
        (b"host", b"localhost"),
        (b"x-api-key", b"gdn_1"),
        (b"x-guardian-unknown", b"1"),
        (b"http-referer", b"https://example.com"),
        (b"x-portkey-virtual-key", b"secret"),
        (b"helicone-cache-enabled", b"true"),
        (b"x-stainless-lang", b"python"),
        (b"x-bf-eh-a", b"1"),
        (b"x-litellm-timeout", b"3"),
    ]
    onward, ours = split(headers)
    assert [name for name, _ in onward] == [b"host", b"x-api-key", b"http-referer", b"x-stainless-lang"]
    assert all(is_ours(name) for name, _ in ours)
    assert len(ours) + len(onward) == len(headers)


@given(st.lists(st.tuples(st.sampled_from(sorted(attribution._READERS)), st.binary(max_size=300)), max_size=12))
def test_nothing_that_a_caller_sends_fails_or_grows(headers: list[tuple[str, bytes]]) -> None:
    found = attribution_of([(name.encode(), value) for name, value in headers])
    assert len(found.tags) <= attribution.MOST_TAGS
    assert len(found.metadata) <= attribution.MOST_TAGS
    for text in (*found.tags, *found.tags.values(), found.user or "", found.session or ""):
        assert len(text) <= attribution.LONGEST_VALUE
        assert "\x00" not in text
        json.dumps(text).encode()
        text.encode()
