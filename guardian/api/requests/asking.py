"""What is asked beside the body: the query's parameters, and the kind of answer that is wanted."""

from collections.abc import Collection, Mapping

from fastapi import Request
from starlette.datastructures import QueryParams

from guardian.errors import ApiError, ValidationError

_JSON = ("application/json", "application/*", "*/*")


def require_known(given: QueryParams, known: Mapping[str, bool]) -> None:
    """Raises ValidationError for a parameter that the route does not have, or that comes twice where it may not.

    A filter with a slip in its name would else be no filter, and answer with everything.
    """
    names = [name for name, _ in given.multi_items()]
    found = [
        {"field": _shown(name), "message": f"There is no such parameter here. {_those(known)}"}
        for name in dict.fromkeys(names)
        if name not in known
    ]
    found += [
        {"field": name, "message": "comes twice in the query. Send it once."}
        for name in dict.fromkeys(names)
        if known.get(name) is False and names.count(name) > 1
    ]
    odd = [name for name, value in given.multi_items() if "\x00" in value]
    found += [{"field": _shown(name), "message": "must not contain the character NUL (%00)"} for name in odd]
    if found:
        raise ValidationError("Validation failed", details=found)


def require_acceptable(request: Request) -> None:
    """Raises ApiError (406) for somebody who takes no JSON."""
    header = request.headers.get("accept")
    if not header:
        return
    for part in header.split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        refused = any(each.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for each in parameters)
        if kind in _JSON and not refused:
            return
    raise ApiError("Answers are application/json. Ask for that in Accept, or leave it out.", 406, "NOT_ACCEPTABLE")


def _those(known: Collection[str]) -> str:
    return f"There are: {', '.join(sorted(known))}." if known else "There are none."


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in name)[:100] or "query"
