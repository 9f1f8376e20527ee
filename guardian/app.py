"""The composition root of the web process: pages, REST, the live hub, and what people see when something fails."""

import reflex as rx
import structlog

from guardian.api import create_api
from guardian.errors import GuardianError
from guardian.models.base import new_id
from guardian.ui.components.offline import offline_banner
from guardian.ui.pages import dashboard
from guardian.ui.session import NotSignedIn, connect_hub, current_request_id

log = structlog.get_logger(__name__)

def show_error(exception: Exception) -> list[rx.event.EventSpec]:
    """Errors of handlers: to the sign-in page, or one sentence in a toast with the request id to quote."""
    if isinstance(exception, NotSignedIn):
        return [rx.redirect("/")]
    request_id = current_request_id.get() or new_id()
    if isinstance(exception, GuardianError):
        log.info("ui.refused", code=exception.code, request_id=request_id)
        message = exception.message
    else:
        log.exception("ui.failed", exc_info=exception, request_id=request_id)
        message = "Something went wrong on our side. Try again; if it stays, quote the request id."
    return [rx.toast.error(message, description=f"Request {request_id}", duration=10_000, close_button=True)]

def note_browser_error(exception: Exception) -> None:
    """Errors of the page's own script, as the browser reports them."""
    log.warning("ui.browser_error", error=str(exception))

app = rx.App(
    api_transformer=create_api(),
    stylesheets=["/guardian.css"],
    head_components=[
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.script(src="/guardian.js", defer=True),
        rx.el.meta(name="robots", content="noindex"),
    ],
    toaster=rx.toast.provider(position="bottom-right", close_button=True),
    app_wraps={(5, "Overlay"): lambda stateful: offline_banner() if stateful else None},
    backend_exception_handler=show_error,
    frontend_exception_handler=note_browser_error,
)

app.add_page(
    dashboard.page, route=dashboard.ROUTE, title="Dashboard · AI Cost Guardian", on_load=dashboard.DashboardState.load
)

connect_hub(app)
