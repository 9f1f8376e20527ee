"""Signatures, checked with the package of those who wrote the specification."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from guardian.channels import signing, webhook
from guardian.channels.base import Sent
from guardian.channels.notice import Notice
from guardian.models.enums import AlertState
from guardian.periods import utcnow
from tests.fakes.sink import Sink
from tests.unit.channels.notices import notice


def test_a_secret_is_one_of_the_specification() -> None:
    one, two = signing.new_secret(), signing.new_secret()
    assert one != two
    assert one.startswith("whsec_")
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


def test_a_receiver_can_verify_with_either_secret_of_a_rotation(sink: Sink) -> None:
    new, old, other = (signing.new_secret() for _ in range(3))
    sent = webhook.send({"url": sink.url(), "secrets": [new, old]}, notice(), message_id="cmessage")
    assert sent == Sent(200, "cmessage")
    [posted] = sink.posted
    for secret in (new, old):
        body = Webhook(secret).verify(posted.body.decode(), dict(posted.headers))
        assert body["type"] == "alert.firing"
    assert posted.headers["webhook-id"] == "cmessage"
    assert len(posted.headers["webhook-signature"].split()) == 2
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(posted.body.decode(), dict(posted.headers))


def test_the_body_is_the_notice(sink: Sink) -> None:
    recovered = notice(state=AlertState.RECOVERED, previous=AlertState.FIRING)
    webhook.send({"url": sink.url(), "secrets": [signing.new_secret()]}, recovered, message_id="m")
    body = sink.posted[0].json
    assert (body["type"], body["timestamp"]) == ("alert.recovered", "2026-05-04T09:30:00Z")
    assert Notice.from_json(body["data"]) == recovered
    for kind in ("test", "digest", "report"):
        assert webhook.payload(notice(kind=kind))["type"] == kind


@given(body=st.binary(), ids=st.text(alphabet=st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1))
def test_any_body_is_signed_as_the_package_signs_it(body: bytes, ids: str) -> None:
    secret, now = signing.new_secret(), utcnow()
    text = base64.b64encode(body).decode()
    ours = signing.headers([secret], ids, now, text.encode())
    assert ours["webhook-signature"] == Webhook(secret).sign(ids, now, text)


def test_an_old_message_is_not_believed() -> None:
    secret = signing.new_secret()
    body = json.dumps({"a": 1})
    stale = signing.headers([secret], "m", utcnow() - timedelta(minutes=6), body.encode())
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(body, dict(stale))


def test_what_is_no_secret() -> None:
    with pytest.raises(ValueError, match="no signing secret"):
        signing.headers(["whsec_ä!"], "m", utcnow(), b"")
