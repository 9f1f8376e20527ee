"""Cross-site request forgery: a browser that acts with our cookie must act from one of our own pages."""

from urllib.parse import urlsplit

from starlette.requests import Request

from guardian.config import settings
from guardian.errors import AuthorizationError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN = "This request came from another site and was refused. Use the pages of this installation."


def require_same_origin(request: Request) -> None:
    """Raises AuthorizationError for an unsafe request that a page of another origin made.

    Browsers send Origin with every unsafe request, and scripts cannot forge it; a client that is no browser sends
    neither header and holds no cookie by accident.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site in ("cross-site", "same-site"):
        raise AuthorizationError(_FOREIGN)
    origin = request.headers.get("origin")
    # A page with the referrer policy "no-referrer" says "null" about itself too; Sec-Fetch-Site then tells the truth.
    if origin is None or (origin == "null" and site == "same-origin"):
        return
    # Behind a proxy that ends TLS the scheme seen here is http; the host is what cannot be had by another site.
    if origin != origin_of(settings().base_url) and urlsplit(origin).netloc.lower() != _host(request):
        raise AuthorizationError(_FOREIGN)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _host(request: Request) -> str:
    return request.headers.get("host", "").lower()
