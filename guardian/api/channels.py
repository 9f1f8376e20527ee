"""channels: where alerts and reports are sent to; made, tried, given a new secret, switched off and on."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import StrictBool, StringConstraints

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.answers.lists import ListQuery, page_of
from guardian.api.steps import CallDep, route
from guardian.models import NotificationTarget
from guardian.models.enums import NotificationChannel
from guardian.services.guard import notices
from guardian.services.guard.notices import NewTarget, TargetView
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/channels", tags=["channels"])


Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]  # those of workflows are long


class ConfigBody(Body):
    """What its kind needs: SLACK, WEBHOOK, DISCORD and TEAMS a `url`; PAGERDUTY a `routingKey`, and a `url` where it is
    not https://events.pagerduty.com; EMAIL an `address`. None of it is ever shown again.
    """

    url: Address | None = None
    routing_key: Line | None = None
    address: Line | None = None


class ChannelChange(Body):
    """What is left out stays. `isActive` true also switches on again what its server had closed. One with `reports` is
    told of the organization's weekly and monthly reports too; e-mail and PagerDuty take none.
    """

    name: Line | None = None
    config: ConfigBody | None = None
    is_active: StrictBool | None = None
    reports: StrictBool | None = None

    def wanted(self, kind: NotificationChannel | None = None) -> NewTarget:
        config = self.config.model_dump(by_alias=True, exclude_none=True) if self.config else None
        return NewTarget(kind=kind, name=self.name, config=config, is_active=self.is_active, reports=self.reports)


class NewChannelBody(ChannelChange):
    """A new channel."""

    kind: NotificationChannel
    name: Line  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # the same field, needed here
    config: ConfigBody  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # as above


class ChannelQuery(ListQuery):
    """Channels of one kind, or those that are on."""

    sort: Literal["name", "-name", "lastSuccessAt", "-lastSuccessAt", "lastFailureAt", "-lastFailureAt"] | None = None
    kind: NotificationChannel | None = None
    is_active: bool | None = None


class ChannelOut(Out):
    """`hint` tells it apart: an address, or a host and the last characters. `disabledReason` is there where it was
    switched off by itself. Until `previousSecretUntil` a webhook is signed with the secret before the current one too.
    """

    id: str
    kind: NotificationChannel
    name: str
    hint: str
    is_active: bool
    disabled_reason: str | None
    last_success_at: Time | None
    last_failure_at: Time | None
    last_error: str | None
    previous_secret_until: Time | None
    created_at: Time
    reports: bool


class ChannelWithSecret(ChannelOut):
    """`secret` verifies what a webhook gets (Standard Webhooks); it is told this once, and is null for other kinds."""

    secret: str | None


class TestOut(Out):
    """What came of the test: `message` says why it was not taken. `status` is the server's, 0 where there was none."""

    success: bool
    message: str
    status: int
    seconds: float
    channel: ChannelOut


@route(api, "GET", "", permission="channels:read")
def list_channels(call: CallDep, query: Annotated[ChannelQuery, Query()]) -> Page[ChannelOut]:
    """The organization's channels, by name."""
    with call.transaction() as session:
        found = [ChannelOut.model_validate(view) for view in notices.list_targets(session, call.actor)]
    return page_of(found, query)


@route(api, "POST", "", permission="channels:update", action="CHANNEL_CREATE", status=201)
def create_channel(call: CallDep, body: NewChannelBody) -> ChannelWithSecret:
    """Make a channel. The secret of a webhook comes back this once."""
    with call.transaction() as session:
        view, secret = notices.create_target(session, call.actor, body.wanted(body.kind))
        _note(call, view)
        return _with_secret(view, secret)


@route(api, "GET", "/{channel_id}", permission="channels:read", row=NotificationTarget)
def get_channel(call: CallDep, channel_id: str) -> ChannelOut:
    """One channel."""
    with call.transaction() as session:
        return ChannelOut.model_validate(notices.get_target(session, call.actor, channel_id))


@route(
    api,
    "PATCH",
    "/{channel_id}",
    permission="channels:update",
    action="CHANNEL_UPDATE",
    row=NotificationTarget,
    fails=(409,),
)
def update_channel(call: CallDep, channel_id: str, body: ChannelChange) -> ChannelOut:
    """Rename a channel, give it new settings, switch it off or on."""
    with call.transaction() as session:
        view = notices.update_target(session, call.actor, channel_id, body.wanted())
        _note(call, view)
        return ChannelOut.model_validate(view)


@route(api, "DELETE", "/{channel_id}", permission="channels:update", action="CHANNEL_DELETE", row=NotificationTarget)
def delete_channel(call: CallDep, channel_id: str) -> None:
    """Delete a channel. Alerts that named it tell the others that they name."""
    with call.transaction() as session:
        _note(call, notices.delete_target(session, call.actor, channel_id))


@route(api, "POST", "/{channel_id}/test", permission="channels:update", action="CHANNEL_TEST")
def test_channel(call: CallDep, channel_id: str) -> TestOut:
    """Send a test now, and tell what came of it."""
    with call.transaction(audited=False) as session:
        under = notices.target_under_test(session, call.actor, channel_id)
    outcome = notices.send_test(under)
    with call.transaction() as session:
        view = notices.record_test(session, call.actor, channel_id, under, outcome)
        call.note("channel", view.id, name=view.name, kind=view.kind, success=outcome.taken)
        return TestOut(
            success=outcome.taken,
            message=outcome.error or "The test was taken.",
            status=outcome.status,
            seconds=outcome.seconds,
            channel=ChannelOut.model_validate(view),
        )


@route(api, "POST", "/{channel_id}/secret", permission="channels:update", action="CHANNEL_ROTATE")
def rotate_secret(call: CallDep, channel_id: str) -> ChannelWithSecret:
    """Give a webhook a new secret; for 24 hours messages are signed with the one before as well."""
    with call.transaction() as session:
        view, secret = notices.rotate_secret(session, call.actor, channel_id)
        _note(call, view)
        return _with_secret(view, secret)


def _with_secret(view: TargetView, secret: str | None) -> ChannelWithSecret:
    return ChannelWithSecret(**ChannelOut.model_validate(view).model_dump(), secret=secret)


def _note(call: CallDep, view: TargetView) -> None:
    call.note("channel", view.id, name=view.name, kind=view.kind, hint=view.hint, active=view.is_active)
