"""What Reflex must know before it reads the application: one port, our own origin only, no telemetry, no badge."""

import reflex as rx

from guardian.config import settings
from guardian.ui.same_origin import SameOriginPlugin, allowed_origins, ui_redis_url
from guardian.ui.toasts import ToastPlugin

config = rx.Config(
    app_name="guardian",
    app_module_import="guardian.app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    redis_url=ui_redis_url(settings()),
    cors_allowed_origins=allowed_origins(settings()),
    frontend_compression_formats=["gzip", "brotli"],
    plugins=[SameOriginPlugin(), ToastPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
