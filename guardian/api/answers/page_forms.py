"""Plain HTML forms: how a page is told what went wrong with what it sent."""

from urllib.parse import parse_qs, urlencode

from fastapi import Response
from fastapi.responses import RedirectResponse

from guardian.api.answers import failures
from guardian.services.people.access import problems


def back_to_page(page: str, error: Exception, body: bytes) -> Response:
    """Back to the form, with what went wrong as a code and what may be filled in again; never a password."""
    meant = failures.known(error)
    failures.report(error, meant)
    sent = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    # What a page shows must not be what a link says: it gets a code, and finds the words for it itself.
    query = {"error": problems.code_of(meant)}
    query |= {name: sent[name] for name in ("email", "name", "company", "next", "token") if sent.get(name)}
    wait = failures.retry_after(meant)
    if wait is not None:
        query["retryAfter"] = str(wait)
    return RedirectResponse(f"{page}?{urlencode(query)}", status_code=303)
