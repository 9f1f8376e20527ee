"""Several at once: all of them or none, in one transaction with one audit row; a stranger's among them is a 404."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from guardian.api.alerts_shapes import AlertChange, AlertOut, alert_json
from guardian.api.answers.envelope import Body, Line, Out
from guardian.api.budgets_shapes import BudgetChange, BudgetOut
from guardian.api.keys_shapes import KeyOut, TestOut
from guardian.api.steps import Call, CallDep, route
from guardian.services.guard import alerts, budgets
from guardian.services.people import provider_keys
from guardian.services.people.access import tokens

api = APIRouter(prefix="/api/v1")
MOST, MOST_TESTS = 100, 20  # a test asks the provider, and takes a second


class Several(Body):
    """Ids, each once."""

    ids: Annotated[list[Line], Field(min_length=1, max_length=MOST)]

    @property
    def each(self) -> list[str]:
        """In one order for everybody, so that two requests never wait for each other in a circle."""
        return sorted(set(self.ids))


class SeveralKeys(Several):
    """At most 20: each is tried at its provider."""

    ids: Annotated[list[Line], Field(min_length=1, max_length=MOST_TESTS)]


class RevokedOut(Out):
    """The tokens that have ended."""

    ids: list[str]


@route(api, "POST", "/tokens/revoke", permission="tokens:delete", action="TOKEN_REVOKE", fails=(404,), tags=["tokens"])
def revoke_tokens(call: CallDep, body: Several) -> RevokedOut:
    """End several tokens for good."""
    with call.transaction() as session:
        ended = [tokens.revoke_token(session, call.actor, token_id) for token_id in body.each]
        call.note("token", None, ids=[view.id for view in ended], names=[view.name for view in ended])
    return RevokedOut(ids=[view.id for view in ended])


def _switch_alerts(call: Call, body: Several, *, is_active: bool) -> list[AlertOut]:
    wanted = AlertChange.model_validate({"isActive": is_active}).wanted()
    with call.transaction() as session:
        saved = [alerts.update_alert(session, call.actor, alert_id, wanted).alert for alert_id in body.each]
        call.note("alert", None, ids=body.each, isActive=is_active)
        return [alert_json(view) for view in saved]


@route(api, "POST", "/alerts/enable", permission="alerts:create", action="ALERT_UPDATE", fails=(404,), tags=["alerts"])
def enable_alerts(call: CallDep, body: Several) -> list[AlertOut]:
    """Switch several alerts on: one's own, or as an administrator any."""
    return _switch_alerts(call, body, is_active=True)


@route(api, "POST", "/alerts/disable", permission="alerts:create", action="ALERT_UPDATE", fails=(404,), tags=["alerts"])
def disable_alerts(call: CallDep, body: Several) -> list[AlertOut]:
    """Switch several alerts off: one's own, or as an administrator any."""
    return _switch_alerts(call, body, is_active=False)


def _switch_budgets(call: Call, body: Several, *, is_active: bool) -> list[BudgetOut]:
    wanted = BudgetChange.model_validate({"isActive": is_active}).wanted()
    with call.transaction() as session:
        saved = [budgets.update_budget(session, call.actor, budget_id, wanted) for budget_id in body.each]
        call.note("budget", None, ids=body.each, isActive=is_active)
        return [BudgetOut.of(view) for view in saved]


@route(
    api, "POST", "/budgets/enable", permission="budgets:update", action="BUDGET_UPDATE", fails=(404,), tags=["budgets"]
)
def enable_budgets(call: CallDep, body: Several) -> list[BudgetOut]:
    """Switch several budgets on."""
    return _switch_budgets(call, body, is_active=True)


@route(
    api, "POST", "/budgets/disable", permission="budgets:update", action="BUDGET_UPDATE", fails=(404,), tags=["budgets"]
)
def disable_budgets(call: CallDep, body: Several) -> list[BudgetOut]:
    """Switch several budgets off: they neither stop calls nor tell anybody."""
    return _switch_budgets(call, body, is_active=False)


@route(api, "POST", "/keys/test", permission="keys:read", action="KEY_TEST", fails=(404, 502), tags=["keys"])
def test_keys(call: CallDep, body: SeveralKeys) -> list[TestOut]:
    """Try several stored keys at their providers, one after the other, and note what each said."""
    with call.transaction(audited=False) as session:
        stored = [provider_keys.key_under_test(session, call.actor, key_id) for key_id in body.each]
    results = [provider_keys.test_stored_key(each) for each in stored]
    found: list[TestOut] = []
    with call.transaction() as session:
        for key_id, under, result in zip(body.each, stored, results, strict=True):
            view = provider_keys.record_test(session, call.actor, key_id, result, version=under.version)
            key = KeyOut.model_validate(view)
            found.append(TestOut(success=result.success, message=result.message, kind=result.kind, key=key))
        call.note("key", None, ids=body.each, success=[each.success for each in results])
    return found
