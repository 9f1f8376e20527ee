"""Every route behind the seven steps: how to call it rightly, who may, and what breaks it. Tests walk over this."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict

from guardian.models.enums import TeamRole
from guardian.periods import DAY, rfc3339, utcnow
from tests.api.ingest.making import chat, event, request

_EVERYBODY = (TeamRole.VIEWER, TeamRole.MEMBER, TeamRole.ADMIN, TeamRole.OWNER)
_MEMBERS = _EVERYBODY[1:]
_ADMINS = _EVERYBODY[2:]
_OWNERS = _EVERYBODY[3:]
_BILLED = (TeamRole.BILLING, TeamRole.ADMIN, TeamRole.OWNER)
_PAYERS = (TeamRole.BILLING, TeamRole.OWNER)

NEW_KEY = {"provider": "OPENAI", "key": "sk-admin-0123456789abcdef", "label": "second"}
NEW_VIEW = {"page": "usage", "name": "second", "query": "range=90d"}
NEW_CHANNEL = {"kind": "WEBHOOK", "name": "second", "config": {"url": "https://hooks.acme.test/0123456789abcdef"}}
NEW_BUDGET = {"name": "second", "limit": "10", "kind": "HARD"}
RAISE = {"limit": "20", "until": rfc3339(utcnow() + DAY), "reason": "launch"}
NEW_ALERT: dict[str, Any] = {"name": "second", "type": "COST_THRESHOLD", "threshold": "10", "notifyWebhook": True}
NEW_ALERT["webhookUrl"] = "https://127.0.0.1/hook"  # which the fake's allowlist lets through
PREVIEW = {"type": "USAGE_SPIKE", "metric": "new_models", "threshold": "0"}
NEW_REPORT = {"from": "2026-03-01", "to": "2026-03-02"}
NEW_PRICE = {"provider": "OPENAI", "modelPattern": "gpt-4*", "percentOfList": "90"}
SEVERAL = {"ids": ["x"]}  # which nobody has
SPAN = {"from": "2026-11-01", "to": "2026-11-02"}
SPANS = MessageToDict(request(chat()))
RESET = {"token": "x", "password": "y" * 12}
PASSWORD = {"email": "eve@acme.test", "password": "correct horse battery"}


@dataclass(frozen=True)
class Route:
    """One route. `path` may name ids of Acme's: {key}, {session}, {token}, {usage}, {job}, {view}, {override}, {run},
    {import}, {budget}, {alert}, {report}, {channel}, {member}, {invitation}, {team}, {organization}, {user}, {email},
    {invoice}.

    `wrong` is refused with 400, `roles` may do it, `table` is what the database must have for it. `file` is set where
    the answer is a file and no envelope. The `front` door's routes are not FastAPI's: they take an access token of the
    scope ingest, say what is wrong in words of their own, and audit each hour what a token told in it; what they cannot
    put into the ledger they keep on disk, so that their `table` is the one without which nobody knows who sends. Those
    of the `installation` are for who runs it, whatever they are in their team. What a
    `sealed` one is given tells by itself that it was forged, whatever has become of the database. One that `moves` has
    the person work in another organization afterwards, or in none.
    """

    method: str
    path: str
    table: str
    body: Any = None
    wrong: Any = None
    query: str = ""
    wrong_query: str = ""
    roles: tuple[TeamRole, ...] = _EVERYBODY
    status: int = 200
    public: bool = False
    file: bool = False
    front: bool = False
    installation: bool = False
    sealed: bool = False
    moves: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


ROUTES: tuple[Route, ...] = (
    Route("POST", "/auth/register", "organizations", PASSWORD, {"email": "eve@acme.test"}, status=201, public=True),
    Route("POST", "/auth/login", "users", PASSWORD, {"email": 5, "password": "x"}, status=401, public=True),
    Route("POST", "/auth/login/code", "users", {"token": "x", "code": "1"}, {}, status=400, public=True, sealed=True),
    # No provider is set up here; the two that a browser visits lead it to a page that says so.
    Route("GET", "/auth/oauth", "users", public=True, sealed=True),
    Route("GET", "/auth/oauth/{provider}/login", "users", status=303, public=True, sealed=True),
    Route("GET", "/auth/oauth/{provider}/callback", "users", status=303, public=True, sealed=True),
    Route("GET", "/auth/oauth/identities", "accounts"),
    Route("POST", "/auth/oauth/{provider}/link", "sessions", status=404),
    Route("DELETE", "/auth/oauth/{provider}", "accounts", status=404),
    Route("GET", "/auth/second-factor", "second_factors"),
    Route("POST", "/auth/second-factor", "second_factors", status=201),
    Route("GET", "/auth/second-factor/qr", "second_factors", file=True),
    Route("POST", "/auth/second-factor/confirm", "second_factors", {"code": "wrong"}, {}, status=400),
    Route("POST", "/auth/second-factor/recovery-codes", "second_factors", {"proof": "x"}, {}, status=404),
    Route("POST", "/auth/second-factor/disable", "second_factors", {"proof": "x"}, {}, status=404),
    Route("POST", "/auth/logout", "sessions"),
    Route("GET", "/auth/session", "organizations"),
    Route("POST", "/auth/password/forgot", "users", {"email": "eve@acme.test"}, {}, public=True),
    Route(
        "POST",
        "/auth/password/reset",
        "password_resets",
        {"token": "x", "password": "y" * 12},
        {},
        status=400,
        public=True,
    ),
    Route("POST", "/auth/verify", "users", {"token": "x"}, {}, status=400, public=True, sealed=True),
    Route("POST", "/auth/verify/mail", "users"),
    Route("GET", "/auth/sessions", "sessions"),
    Route("DELETE", "/auth/sessions", "sessions"),
    Route("DELETE", "/auth/sessions/{session}", "sessions", status=404),
    Route("GET", "/tokens", "access_tokens"),
    Route("POST", "/tokens", "access_tokens", {"name": "ci", "scopes": ["api"]}, {"name": "ci"}, status=201),
    Route("DELETE", "/tokens/{token}", "access_tokens", roles=_ADMINS),
    Route("POST", "/tokens/revoke", "access_tokens", SEVERAL, {"ids": []}, status=404),
    Route("POST", "/budgets/enable", "budgets", SEVERAL, {"ids": []}, roles=_ADMINS, status=404),
    Route("POST", "/budgets/disable", "budgets", SEVERAL, {"ids": []}, roles=_ADMINS, status=404),
    Route("POST", "/alerts/enable", "alerts", SEVERAL, {"ids": []}, roles=_MEMBERS, status=404),
    Route("POST", "/alerts/disable", "alerts", SEVERAL, {"ids": []}, roles=_MEMBERS, status=404),
    Route("POST", "/keys/test", "api_keys", SEVERAL, {"ids": []}, status=404),
    Route("GET", "/budgets", "budgets"),
    Route("POST", "/budgets", "budgets", NEW_BUDGET, {"name": "x"}, roles=_ADMINS, status=201),
    Route("GET", "/budgets/{budget}", "budgets"),
    Route("PATCH", "/budgets/{budget}", "budgets", {"name": "third"}, {"limit": "-1"}, roles=_ADMINS),
    Route("POST", "/budgets/preview", "usage_rollups", {"limit": "10"}, {"limit": "much"}),
    Route("POST", "/budgets/{budget}/raise", "budgets", RAISE, {"limit": "20"}, roles=_ADMINS),
    Route("DELETE", "/budgets/{budget}/raise", "budgets", roles=_ADMINS),
    Route("DELETE", "/budgets/{budget}", "budgets", roles=_ADMINS),
    Route("GET", "/alerts", "alerts"),
    Route("POST", "/alerts", "alerts", NEW_ALERT, {**NEW_ALERT, "threshold": "-1"}, roles=_MEMBERS, status=201),
    Route("POST", "/alerts/preview", "usage_rollups", PREVIEW, {**PREVIEW, "window": "2d"}),
    Route("GET", "/alerts/{alert}", "alerts"),
    Route("PATCH", "/alerts/{alert}", "alerts", {"name": "third"}, {"renotifyMinutes": 1}, roles=_ADMINS),
    Route("DELETE", "/alerts/{alert}", "alerts", roles=_ADMINS),
    Route("POST", "/alerts/{alert}/secret", "alerts", roles=_ADMINS),
    Route("POST", "/alerts/{alert}/test", "alerts", roles=_ADMINS, status=202),
    Route("GET", "/alerts/{alert}/notifications", "alert_notifications", query="?limit=5", wrong_query="?limit=0"),
    Route("GET", "/alerts/{alert}/history", "alert_transitions", query="?limit=5", wrong_query="?cursor=a-b"),
    # Nothing fires.
    Route("POST", "/alerts/{alert}/acknowledge", "alerts", {}, {"group": 5}, roles=_MEMBERS, status=409),
    Route("POST", "/alerts/{alert}/snooze", "alerts", {"hours": 1}, {"hours": 1000}, roles=_MEMBERS),
    Route("GET", "/reports", "reports", query="?limit=5", wrong_query="?limit=0"),
    Route("POST", "/reports", "reports", NEW_REPORT, {"from": "soon"}, roles=_MEMBERS, status=202),
    Route("GET", "/reports/{report}", "reports"),
    Route("GET", "/reports/{report}/pdf", "reports", file=True),
    Route("GET", "/channels", "notification_targets"),
    Route(
        "POST",
        "/channels",
        "notification_targets",
        NEW_CHANNEL,
        {**NEW_CHANNEL, "config": {"url": "ftp://x"}},
        roles=_ADMINS,
        status=201,
    ),
    Route("GET", "/channels/{channel}", "notification_targets"),
    Route("PATCH", "/channels/{channel}", "notification_targets", {"name": "third"}, {"name": ""}, roles=_ADMINS),
    Route("DELETE", "/channels/{channel}", "notification_targets", roles=_ADMINS),
    Route("POST", "/channels/{channel}/secret", "notification_targets", roles=_ADMINS),
    Route("POST", "/channels/{channel}/test", "notification_targets", roles=_ADMINS),
    Route("GET", "/keys", "api_keys"),
    Route("POST", "/keys", "api_keys", NEW_KEY, {"provider": "OPENAI"}, roles=_MEMBERS, status=201),
    Route("GET", "/keys/providers", "sessions"),
    Route("GET", "/keys/{key}", "api_keys"),
    Route("PATCH", "/keys/{key}", "api_keys", {"label": "third"}, {"isActive": "maybe"}, roles=_ADMINS),
    Route("DELETE", "/keys/{key}", "api_keys", roles=_ADMINS),
    Route("POST", "/keys/{key}/test", "api_keys", roles=_MEMBERS),
    Route("POST", "/keys/{key}/sync", "sync_runs", {}, {"startDate": "soon"}, roles=_MEMBERS, status=202),
    Route("POST", "/usage", "sessions", event(), {"eventId": "e1"}, roles=_MEMBERS, front=True),
    Route("POST", "/otlp/v1/traces", "sessions", SPANS, roles=_MEMBERS, front=True),
    Route("GET", "/usage", "usage_logs", query="?limit=5", wrong_query="?limit=0"),
    Route("GET", "/usage/summary", "usage_rollups", query="?bucket=day", wrong_query="?bucket=fortnight"),
    Route(
        "GET", "/usage/reconciliation", "provider_costs", query="?groupBy=day,provider", wrong_query="?groupBy=weather"
    ),
    Route("GET", "/usage/reconciliation/months", "closed_months"),
    Route(
        "POST",
        "/usage/reconciliation/months/{month}/close",
        "provider_accounts",
        {},
        {"confirm": "maybe"},
        roles=_ADMINS,
        status=409,
    ),
    Route("POST", "/usage/reconciliation/months/{month}/reopen", "closed_months", roles=_ADMINS, status=404),
    Route("GET", "/usage/{usage}", "usage_logs"),
    Route("GET", "/views", "saved_views", query="?page=usage", wrong_query="?sort=x"),
    Route("POST", "/views", "saved_views", NEW_VIEW, {"name": "x"}, status=201),
    Route("GET", "/views/{view}", "saved_views"),
    Route("PATCH", "/views/{view}", "saved_views", {"name": "third"}, {"shared": "maybe"}, roles=_ADMINS),
    Route("DELETE", "/views/{view}", "saved_views", roles=_ADMINS),
    Route("GET", "/jobs/{job}", "sync_runs"),
    Route("GET", "/imports", "import_runs", query="?limit=5", wrong_query="?limit=0"),
    Route("POST", "/imports", "import_runs", {"request_id": "1"}, roles=_MEMBERS, status=202),
    Route("GET", "/imports/{import}", "import_runs"),
    Route("POST", "/imports/{import}/stop", "import_runs", roles=_MEMBERS),
    Route("GET", "/exports/usage.csv", "usage_logs", wrong_query="?from=soon", file=True),
    Route("GET", "/exports/usage.parquet", "usage_logs", wrong_query="?origin=sky", file=True),
    Route("GET", "/exports/focus.csv", "usage_logs", wrong_query="?from=2026-11-02&to=2026-10-01", file=True),
    Route("GET", "/exports/focus.parquet", "provider_costs", wrong_query="?tz=Mars", file=True),
    Route("GET", "/prices", "price_overrides", query="?model=gpt-5", wrong_query="?model=gpt-5&at=soon"),
    Route("GET", "/prices/overrides", "price_overrides"),
    Route(
        "POST",
        "/prices/overrides",
        "price_overrides",
        NEW_PRICE,
        {**NEW_PRICE, "prices": {"input_token": "1"}, "percentOfList": None},
        roles=_ADMINS,
        status=201,
    ),
    Route("GET", "/prices/overrides/{override}", "price_overrides"),
    Route(
        "PATCH",
        "/prices/overrides/{override}",
        "price_overrides",
        {"percentOfList": "80"},
        {"percentOfList": "lots"},
        roles=_ADMINS,
    ),
    Route("DELETE", "/prices/overrides/{override}", "price_overrides", roles=_ADMINS),
    Route("GET", "/prices/unpriced", "usage_logs"),
    Route(
        "POST",
        "/prices/unpriced/price",
        "usage_logs",
        {"provider": "OPENAI", "model": "nobody-uses-it", "like": "gpt-5"},
        {"provider": "OPENAI", "model": "nobody-uses-it"},
        roles=_ADMINS,
        status=404,
    ),
    Route("POST", "/prices/reprice", "reprice_runs", SPAN, {**SPAN, "from": "soon"}, roles=_ADMINS, status=202),
    Route("GET", "/prices/reprice", "reprice_runs", query="?limit=5", wrong_query="?limit=0"),
    Route("GET", "/prices/reprice/{run}", "reprice_runs"),
    # The run that was just asked for is not over.
    Route("POST", "/prices/reprice/{run}/apply", "reprice_runs", roles=_ADMINS, status=409),
    Route("POST", "/prices/reprice/{run}/undo", "reprice_runs", roles=_ADMINS, status=409),
    Route("GET", "/prices/currencies", "exchange_rates", wrong_query="?currency=EURO"),
    Route(
        "POST",
        "/prices/currencies",
        "exchange_rates",
        {"currency": "EUR", "source": "ECB", "rates": [{"day": "2026-11-20", "perDollar": "0.8653"}]},
        {"currency": "EUR", "source": "ECB", "csv": "2026-11-20,NaN"},
        roles=_ADMINS,
        status=201,
    ),
    Route("GET", "/organization", "organizations"),
    Route("PATCH", "/organization", "organizations", {"name": "Acme & Co"}, {"timeZone": "Mars"}, roles=_ADMINS),
    Route("GET", "/organization/domain", "organizations"),
    # No domain is claimed yet.
    Route("POST", "/organization/domain/verify", "organizations", roles=_ADMINS, status=409),
    Route("PUT", "/organization/domain", "organizations", {"domain": "acme.test"}, {"domain": "x y"}, roles=_ADMINS),
    Route("PATCH", "/organization/domain", "organizations", {"joinRole": None}, {"joinRole": "OWNER"}, roles=_ADMINS),
    Route("DELETE", "/organization/domain", "organizations", roles=_ADMINS),
    Route("POST", "/organization/leave", "team_members", moves=True),
    # Nobody has this place.
    Route("POST", "/organization/transfer", "team_members", {"memberId": "x"}, {}, roles=_OWNERS, status=404),
    # Not its name.
    Route(
        "DELETE", "/organization", "organizations", query="?name=x", wrong_query="?name=x", roles=_OWNERS, status=400
    ),
    Route("GET", "/organizations", "organizations"),
    Route("POST", "/organizations", "organizations", {"name": "Third"}, {"name": ""}, status=201, moves=True),
    Route("POST", "/organizations/join", "users", status=404),
    Route("POST", "/organizations/{organization}/switch", "organizations"),
    Route("GET", "/team", "team_members"),
    Route("GET", "/team/members", "team_members", query="?role=OWNER", wrong_query="?role=KING"),
    Route("GET", "/team/invitations", "invitations", query="?sort=email", wrong_query="?sort=tokenHash"),
    Route("GET", "/team/roles", "sessions"),
    Route("PATCH", "/team/{member}", "team_members", {"role": "VIEWER"}, {"role": "KING"}, roles=_ADMINS),
    Route("DELETE", "/team/{member}", "team_members", roles=_ADMINS),
    Route(
        "POST",
        "/team/invitations",
        "invitations",
        {"email": "third@elsewhere.test"},
        {"email": "x"},
        roles=_ADMINS,
        status=201,
    ),
    Route("POST", "/team/invitations/accept", "invitations", {"token": "x"}, {}, status=400),
    Route("POST", "/team/invitations/{invitation}/resend", "invitations", roles=_ADMINS),
    Route("POST", "/team/invitations/{invitation}/revoke", "invitations", roles=_ADMINS),
    Route("GET", "/team/teams", "teams"),
    Route("POST", "/team/teams", "teams", {"name": "second"}, {"name": ""}, roles=_ADMINS, status=201),
    Route("PATCH", "/team/teams/{team}", "teams", {"name": "third"}, {"defaultTags": {"team": "x"}}, roles=_ADMINS),
    Route("DELETE", "/team/teams/{team}", "teams", roles=_ADMINS),
    Route("GET", "/account/report-mails", "users"),
    Route("PUT", "/account/report-mails", "users", {"reports": ["weekly"]}, {"reports": ["daily"]}),
    Route("GET", "/account/onboarding", "users"),
    Route("PATCH", "/account/onboarding", "users", {"skipped": ["invite"]}, {"skipped": ["nap"]}),
    Route("GET", "/organization/sign-in", "organizations"),
    Route("PUT", "/organization/sign-in", "organizations", {"provider": None}, {"provider": 5}, roles=_ADMINS),
    Route("GET", "/activity", "activity_logs", query="?limit=5", wrong_query="?cursor=abc", roles=_ADMINS),
    Route("GET", "/activity/export.csv", "activity_logs", wrong_query="?from=x", roles=_ADMINS, file=True),
    Route("GET", "/plans", "sessions", roles=_BILLED),
    Route("GET", "/subscription", "subscriptions", roles=_BILLED),
    # Nothing is sold here, so there is nothing to buy and nothing to change.
    Route(
        "POST",
        "/subscription/checkout",
        "sessions",
        {"plan": "STARTER"},
        {"plan": "GOLD"},
        roles=_PAYERS,
        status=409,
    ),
    Route("POST", "/subscription/portal", "sessions", roles=_PAYERS, status=409),
    Route(
        "POST",
        "/subscription/change/preview",
        "sessions",
        {"plan": "STARTER"},
        {"plan": "GOLD"},
        roles=_PAYERS,
        status=409,
    ),
    Route(
        "POST",
        "/subscription/change",
        "sessions",
        {"plan": "STARTER", "at": "2026-11-01T00:00:00Z"},
        {"plan": "STARTER", "at": "soon"},
        roles=_PAYERS,
        status=409,
    ),
    Route("POST", "/subscription/cancel", "sessions", {}, {"ends": 5}, roles=_PAYERS, status=409),
    Route("GET", "/invoices", "invoices", query="?limit=5", wrong_query="?limit=0", roles=_BILLED),
    Route("GET", "/invoices/{invoice}", "invoices", roles=_BILLED),
    Route("GET", "/invoices/{invoice}/pdf", "invoices", roles=_BILLED, file=True),
    Route("POST", "/billing/webhook", "stripe_events", status=404, public=True, sealed=True),
    Route(
        "PUT",
        "/admin/organizations/{organization}/plan",
        "sessions",
        {"plan": "SCALE"},
        roles=(),
        installation=True,
    ),
    Route("GET", "/admin/organizations", "sessions", wrong_query="?limit=0", roles=(), installation=True),
    Route("GET", "/admin/organizations/{organization}", "sessions", roles=(), installation=True),
    Route(
        "POST",
        "/admin/organizations/{organization}/disable",
        "sessions",
        {"reason": "They do not pay."},
        {"reason": 5},
        status=409,
        roles=(),
        installation=True,
    ),
    Route("POST", "/admin/organizations/{organization}/enable", "sessions", status=409, roles=(), installation=True),
    Route("GET", "/admin/users", "sessions", wrong_query="?role=KING", roles=(), installation=True),
    Route("PATCH", "/admin/users/{user}", "sessions", {"role": "ADMIN"}, {}, status=404, roles=(), installation=True),
    Route("DELETE", "/admin/users/{user}/sessions", "sessions", status=404, roles=(), installation=True),
    Route("POST", "/admin/users/{user}/confirmation", "sessions", status=404, roles=(), installation=True),
    Route("GET", "/admin/impersonations", "sessions", roles=(), installation=True),
    Route("DELETE", "/admin/impersonations/{session}", "sessions", status=404, roles=(), installation=True),
    Route("GET", "/admin/health", "sessions", roles=(), installation=True),
    Route("GET", "/admin/monitoring", "sessions", roles=(), installation=True),
    Route("GET", "/admin/providers", "sessions", roles=(), installation=True),
    Route("GET", "/admin/keys", "sessions", wrong_query="?provider=X", roles=(), installation=True),
    Route("GET", "/admin/unpriced", "sessions", roles=(), installation=True),
    Route("GET", "/admin/mail", "sessions", wrong_query="?status=X", roles=(), installation=True),
    Route("POST", "/admin/mail/{email}/retry", "sessions", status=404, roles=(), installation=True),
    Route("GET", "/admin/queues", "sessions", roles=(), installation=True),
    Route("POST", "/admin/queues/jobs/{job}/retry", "sessions", roles=(), installation=True),
    Route("DELETE", "/admin/queues/jobs/{job}", "sessions", roles=(), installation=True),
)
SIGNED_IN = tuple(route for route in ROUTES if not route.public)
# A month is no id: everybody has the same ones.
WITH_ID = tuple(
    route for route in SIGNED_IN if "{" in route.path and "{month}" not in route.path and not route.installation
)
WITH_INPUT = tuple(route for route in ROUTES if route.wrong is not None or route.wrong_query)
