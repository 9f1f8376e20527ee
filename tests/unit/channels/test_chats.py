"""Messages of each dialect: what they say, within the receiver's limits, and without markup of strangers."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.amounts import NBSP
from guardian.channels import discord, facts, pagerduty, senders, slack, teams
from guardian.channels.base import ChannelError
from guardian.channels.notice import Cause, Notice
from guardian.models.enums import AlertState, NotificationChannel
from tests.fakes.sink import Answer, Sink
from tests.unit.channels.notices import notice

EVIL = (
    "<!channel> <@U1> <https://evil.test|click> @everyone **b** [x](https://evil.test) `c` _i_ & \\ # - > :smile: <t:1>"
)


class _Long(str):
    """A text that a report of a failure does not write out."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self[:4]}… of {len(self)}>"


_ANY = st.text(max_size=80) | st.just(EVIL)
_LONG = st.sampled_from([_Long(each) for each in ("&<>" * 3000, "word " * 2000, EVIL * 60, "*_~" * 2500, "x" * 8000)])
_WORDS = _ANY | _LONG

NOTICES = st.builds(
    notice,
    kind=st.sampled_from(["alert", "digest", "report", "test"]),
    name=_WORDS,
    group=_WORDS,
    sentence=_WORDS,
    organization=_WORDS,
    state=st.sampled_from(AlertState),
    items=st.lists(_WORDS, max_size=120).map(tuple),
    causes=st.lists(st.builds(Cause, label=_WORDS, amount=st.just(Decimal(5))), max_size=8).map(tuple),
    url=st.sampled_from(["https://guardian.acme.test/alerts?alert=c1", "https://guardian.acme.test/" + "x" * 4000]),
)


def texts(value: Any) -> list[str]:
    """Every text in a body that people see."""
    if isinstance(value, dict):
        return [
            found for name, each in value.items() if name not in ("url", "client_url", "href") for found in texts(each)
        ]
    if isinstance(value, list):
        return [found for each in value for found in texts(each)]
    return [value] if isinstance(value, str) else []


@given(NOTICES)
def test_slack_takes_every_message(one: Notice) -> None:
    body = slack.payload(one)
    blocks = body["blocks"]
    assert len(blocks) <= 50
    assert body["mrkdwn"] is False
    for block in blocks:
        objects = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        for each in filter(None, objects):
            if each["type"] == "button":
                assert len(each["url"]) <= 3000
                continue
            # The only kind of text in which nothing is read.
            assert each["type"] == "plain_text"
            most = 150 if block["type"] == "header" else 3000 if each is block.get("text") else 2000
            assert 1 <= len(each["text"]) <= most
    for text in texts(body):
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)


@given(NOTICES)
def test_discord_takes_every_message(one: Notice) -> None:
    body = discord.payload(one)
    [embed] = body["embeds"]
    assert body["allowed_mentions"] == {"parse": []}
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert len(embed["fields"]) <= 25
    assert all(1 <= len(each["name"]) <= 256 and 1 <= len(each["value"]) <= 1024 for each in embed["fields"])
    assert len(embed["footer"]["text"]) <= 2048
    shown = [embed["title"], embed["description"], embed["footer"]["text"]]
    shown += [text for each in embed["fields"] for text in (each["name"], each["value"])]
    assert sum(map(len, shown)) <= 6000
    for text in [embed["title"], embed["description"], *(each["value"] for each in embed["fields"])]:
        plain = re.sub(r"\\.", "", text, flags=re.DOTALL)
        assert not re.search(r"[\\*_~`|#<>\[\]():@]", plain)


@given(NOTICES)
def test_teams_takes_every_message(one: Notice) -> None:
    body = teams.payload(one)
    assert len(json.dumps(body, ensure_ascii=False).encode("utf-16-le")) <= 28 * 1024
    card = body["attachments"][0]["content"]
    for block in card["body"]:
        assert block["type"] == "RichTextBlock"
        assert all(run["type"] == "TextRun" and run["text"] for run in block["inlines"])
    assert "entities" not in card["msteams"]


@given(NOTICES)
def test_pagerduty_takes_every_message(one: Notice) -> None:
    event = pagerduty.payload("R" * 32, one)
    assert len(event["dedup_key"]) <= 255
    assert 1 <= len(event["payload"]["summary"]) <= 1024
    assert event["payload"]["source"]
    assert len(json.dumps(event)) < 512 * 1024


def test_what_a_message_says() -> None:
    said = "\n".join(texts(slack.payload(notice())))
    for words in (
        "Firing: Team web",
        "AI provider spend of team web was $312.40 in the last 24 hours, above $250.00.",
        "Now\n$312.40",
        "Threshold\n$250.00",
        f"more calls: +$50.00 (80{NBSP}%)",
        "Acme, 4 May 2026, 09:30 UTC",
    ):
        assert words in said
    recovered = notice(state=AlertState.RECOVERED, time_zone="Asia/Kolkata")
    assert "Recovered: Team web" in json.dumps(teams.payload(recovered))
    assert "4 May 2026, 15:00 Asia/Kolkata" in json.dumps(teams.payload(recovered))
    assert discord.payload(recovered)["embeds"][0]["color"] == 0x218358
    assert discord.payload(notice())["embeds"][0]["color"] == 0xAD5700


def test_a_digest_names_what_it_stands_for_and_counts_the_rest() -> None:
    many = notice(kind="digest", name="60 alerts", items=tuple(f"Alert {n} is above its limit." for n in range(200)))
    for body in (slack.payload(many), discord.payload(many), teams.payload(many)):
        said = "\n".join(texts(body)).replace("\\", "")
        assert "60 alerts" in said
        assert "• Alert 0 is above its limit." in said
        assert re.search(r"… and \d+ more", said)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("312.4", "dollars", "$312.40"),
        ("80.00", "percent", f"80{NBSP}%"),
        ("1200", "tokens", "1,200 tokens"),
        ("2.5", "requests", "2.5 requests"),
        ("3", "count", "3"),
    ],
)
def test_a_figure_says_what_is_counted(value: str, unit: Any, text: str) -> None:
    assert facts.facts(notice(value=Decimal(value), unit=unit))[0] == ("Now", text)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (AlertState.FIRING, "trigger"),
        (AlertState.NO_DATA, "trigger"),
        (AlertState.ACKNOWLEDGED, "acknowledge"),
        (AlertState.SNOOZED, "acknowledge"),
        (AlertState.RECOVERED, "resolve"),
    ],
)
def test_an_incident_of_pagerduty_lives_as_its_group_does(sink: Sink, state: AlertState, action: str) -> None:
    config = {"routingKey": "R" * 32, "url": sink.url("")}
    sent = senders.send(NotificationChannel.PAGERDUTY, config, notice(state=state, transition="a/b#7"), message_id="m")
    [posted] = sink.posted
    assert posted.path == "/v2/enqueue"
    assert (posted.json["event_action"], posted.json["routing_key"]) == (action, "R" * 32)
    assert posted.json["dedup_key"] == sent.reference == "guardian/calert/a/b"
    assert posted.json["payload"]["severity"] == "warning"


def test_a_test_of_pagerduty_leaves_no_incident(sink: Sink) -> None:
    config = {"routingKey": "R" * 32, "url": sink.url("/events")}
    pagerduty.send(config, notice(kind="test", transition="test#c1"), message_id="m")
    assert [each.json["event_action"] for each in sink.posted] == ["trigger", "resolve"]
    assert {each.json["dedup_key"] for each in sink.posted} == {"guardian/calert/test#c1"}
    with pytest.raises(ChannelError, match="no reports"):
        pagerduty.send(config, notice(kind="report"), message_id="m")


def test_where_pagerduty_is() -> None:
    assert pagerduty.events_url(None) == "https://events.pagerduty.com/v2/enqueue"
    assert pagerduty.events_url("https://events.eu.pagerduty.com/") == "https://events.eu.pagerduty.com/v2/enqueue"


@pytest.mark.parametrize("channel", [NotificationChannel.SLACK, NotificationChannel.DISCORD, NotificationChannel.TEAMS])
def test_each_chat_is_posted_to_and_refused_by(sink: Sink, channel: NotificationChannel) -> None:
    sent = senders.send(channel, {"url": sink.url()}, notice(), message_id="m1")
    assert (sent.status, sent.reference, len(sink.posted)) == (200, "m1", 1)
    sink.answer = Answer(410, b"gone")
    with pytest.raises(ChannelError) as refused:
        senders.send(channel, {"url": sink.url()}, notice(), message_id="m1")
    assert refused.value.gone


def test_chats_that_were_deleted_say_so_in_words(sink: Sink) -> None:
    for channel, words in (
        (NotificationChannel.SLACK, b"no_service"),
        (NotificationChannel.DISCORD, b'{"message": "Unknown Webhook", "code": 10015}'),
    ):
        sink.answer = Answer(404, words)
        with pytest.raises(ChannelError) as refused:
            senders.send(channel, {"url": sink.url()}, notice(), message_id="m1")
        assert refused.value.gone


@given(st.text(max_size=200), st.integers(1, 60))
def test_what_is_cut_fits(text: str, most: int) -> None:
    cut = facts.fit(text, most, slack.escape)
    assert len(cut) <= most
    if len(slack.escape(text)) <= most:
        assert cut == slack.escape(text)
