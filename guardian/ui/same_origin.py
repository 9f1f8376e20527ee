"""Where the built pages find their server: always where they came from, whatever host and port that is."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from reflex.constants import Endpoint
from reflex.plugins.base import Plugin

from guardian.config import Settings
from guardian.errors import ConfigurationError

DATABASES = 16  # what Redis has unless its configuration says otherwise
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Reflex bakes an absolute address into the pages and replaces only its host. A path needs one line more.
_ANCHOR = "  const endpoint = new URL(url_str);\n"
_OWN_ORIGIN = (
    '  if (url_str.startsWith("/")) {\n'
    '    return new URL(url_str, typeof window === "undefined" ? "http://localhost" : window.location.href);\n'
    "  }\n"
)


class SameOriginPlugin(Plugin):
    """Builds pages that talk to the origin they were loaded from, so that one build serves every address."""

    def update_env_json(self, **context: Any) -> dict[str, Any]:
        return {endpoint.name: f"/{endpoint.value}" for endpoint in Endpoint}

    def pre_compile(self, **context: Any) -> None:
        context["add_modify_task"]("utils/state.js", resolve_paths)


def resolve_paths(source: str) -> str:
    """Reflex's client with paths resolved against the page. Raises ConfigurationError when it no longer fits."""
    if _OWN_ORIGIN in source:
        return source
    if source.count(_ANCHOR) != 1:
        raise ConfigurationError("This version of Reflex looks up its server in another way: adapt same_origin.py.")
    return source.replace(_ANCHOR, _OWN_ORIGIN + _ANCHOR)


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """Origins that may open the WebSocket: the public address; on a laptop both spellings of the loopback."""
    public = urlsplit(settings.base_url)
    origin = f"{public.scheme}://{public.netloc}"
    if settings.public_url is None and settings.guardian_host in _LOOPBACK:
        return (origin, *(f"http://{host}:{settings.guardian_port}" for host in ("127.0.0.1", "localhost")))
    return (origin,)


def ui_redis_url(settings: Settings) -> str | None:
    """The page states' database of the same Redis: the next number, away from queues and cache. None without Redis."""
    if settings.redis_url is None:
        return None
    parts = urlsplit(settings.redis_url.get_secret_value())
    if parts.scheme == "unix":
        query = dict(parse_qsl(parts.query))
        return parts._replace(query=urlencode({**query, "db": _next_number(query.get("db", "0"))})).geturl()
    return parts._replace(path=f"/{_next_number(parts.path.strip('/') or '0')}").geturl()


def _next_number(number: str) -> int:
    if not number.isdecimal():
        raise ConfigurationError("REDIS_URL must end with a database number, as in redis://host:6379/0.")
    return (int(number) + 1) % DATABASES
