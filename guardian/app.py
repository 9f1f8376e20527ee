"""The composition root of the web process: pages, REST, the live hub, and what people see when something fails."""

import reflex as rx
import structlog

from guardian.api import create_api
from guardian.errors import GuardianError
from guardian.models.base import new_id
from guardian.ui.components.crash import crash_boundary
from guardian.ui.components.offline import offline_banner
from guardian.ui.demo import demo_label
from guardian.ui.pages.activity import page as activity
from guardian.ui.pages.admin import mail as admin_mail
from guardian.ui.pages.admin import monitoring as admin_monitoring
from guardian.ui.pages.admin import organizations as admin_organizations
from guardian.ui.pages.admin import page as admin
from guardian.ui.pages.admin import providers as admin_providers
from guardian.ui.pages.admin import users as admin_users
from guardian.ui.pages.alerts import page as alerts
from guardian.ui.pages.billing import page as billing
from guardian.ui.pages.budgets import page as budgets
from guardian.ui.pages.call import page as call
from guardian.ui.pages.dashboard import page as dashboard
from guardian.ui.pages.doors import code, forgot, invitation, missing, reset, sign_in, sign_up, unsubscribe, verify
from guardian.ui.pages.imports import page as imports
from guardian.ui.pages.keys import page as keys
from guardian.ui.pages.prices import page as prices
from guardian.ui.pages.reconciliation import page as reconciliation
from guardian.ui.pages.reports import page as reports
from guardian.ui.pages.requests import page as requests
from guardian.ui.pages.settings import page as settings
from guardian.ui.pages.team import page as team
from guardian.ui.pages.usage import page as usage
from guardian.ui.session import NotSignedIn, connect_hub, current_request_id
from guardian.ui.state_locks import give_back_cancelled_locks
from guardian.ui.toasts import error_toast

log = structlog.get_logger(__name__)


def show_error(exception: Exception) -> list[rx.event.EventSpec]:
    """Errors of handlers: to the sign-in page, or one sentence in a toast with the request id to quote."""
    if isinstance(exception, NotSignedIn):
        return [rx.redirect(exception.sign_in_address)]
    request_id = current_request_id.get() or new_id()
    if isinstance(exception, GuardianError):
        log.info("ui.refused", code=exception.code, request_id=request_id)
        message = exception.message
    else:
        log.exception("ui.failed", exc_info=exception, request_id=request_id)
        message = "Something went wrong on our side. Try again; if it stays, quote the request id."
    return [error_toast(message, f"Request {request_id}")]


def note_browser_error(exception: Exception) -> None:
    """Errors of the page's own script, as the browser reports them."""
    log.warning("ui.browser_error", error=str(exception)[:2_000])


app = rx.App(
    api_transformer=create_api(),
    stylesheets=["/theme.css", "/guardian.css"],
    head_components=[
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.script(src="/guardian.js", defer=True),
        rx.el.script(src="/imports.js", defer=True),
        rx.el.meta(name="robots", content="noindex"),
    ],
    toaster=rx.toast.provider(position="bottom-right", close_button=True),
    app_wraps={
        (55, "ErrorBoundary"): lambda _stateful: crash_boundary(),
        (5, "Overlay"): lambda stateful: offline_banner() if stateful else None,
        (4, "DemoLabel"): lambda stateful: demo_label() if stateful else None,
    },
    backend_exception_handler=show_error,
    frontend_exception_handler=note_browser_error,
)

for page, name, on_load in (
    (sign_in, "Sign in", sign_in.SignInState.enter),
    (code, "One more step", code.CodeState.enter),
    (sign_up, "Create your account", sign_up.SignUpState.enter),
    (forgot, "Reset your password", forgot.ForgotState.enter),
    (reset, "Choose a new password", reset.ResetState.enter),
    (verify, "Confirm your address", verify.VerifyState.enter),
    (invitation, "Invitation", invitation.InvitationState.enter),
    (unsubscribe, "No more reports by mail", unsubscribe.UnsubscribeState.enter),
    (dashboard, "Dashboard", dashboard.DashboardState.load),
    (usage, "Explorer", usage.UsageState.load),
    (requests, "Requests", requests.RequestsState.load),
    (call, "One call", call.CallState.load),
    (reconciliation, "Reconciliation", reconciliation.ReconciliationState.load),
    (budgets, "Budgets", budgets.BudgetsState.load),
    (prices, "Prices", prices.PricesState.load),
    (keys, "Keys", keys.KeysState.load),
    (alerts, "Alerts", alerts.AlertsState.load),
    (reports, "Reports", reports.ReportsState.load),
    (imports, "Import and export", imports.ImportsState.load),
    (team, "Team", team.TeamState.load),
    (settings, "Settings", settings.SettingsState.load),
    (billing, "Plan and invoices", billing.BillingState.load),
    (activity, "Activity", activity.ActivityState.load),
    (admin, "Installation", admin.AdminState.load),
    (admin_organizations, "Organizations", admin_organizations.OrganizationsState.load),
    (admin_users, "People", admin_users.UsersState.load),
    (admin_providers, "Providers", admin_providers.ProvidersState.load),
    (admin_mail, "Mail log", admin_mail.MailState.load),
    (admin_monitoring, "Monitoring", admin_monitoring.MonitoringState.load),
    (missing, "Not found", None),
):
    app.add_page(page.page, route=page.ROUTE, title=f"{name} · AI Cost Guardian", on_load=on_load)

give_back_cancelled_locks()
connect_hub(app)
