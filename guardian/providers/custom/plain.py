"""A server of which nothing is known but that it speaks OpenAI's API: how its key is tested."""

from guardian.errors import ProviderError, ProviderRequestRejected
from guardian.providers.custom.fields import NONE
from guardian.providers.custom.wire import Wire
from guardian.records import TestResult

_NO_LIST = (404, 405, 501)


def test(wire: Wire, *, paid: bool) -> TestResult:
    """List the models; where that proves nothing of the key, one call for a single token, if `paid` allows it.

    Raises ProviderError.
    """
    try:
        wire.get(wire.settings.models_path, attempts=1)
        proven = wire.settings.auth_scheme == NONE or _needs_a_key(wire)
    except ProviderRequestRejected as rejected:
        if rejected.upstream_status not in _NO_LIST:
            raise
        if not paid:
            raise ProviderRequestRejected(
                f"{wire.http.vendor} has no list of models at {wire.settings.models_path} "
                f"(HTTP {rejected.upstream_status}). Check the base URL and that path, or allow the paid test.",
                upstream_status=rejected.upstream_status,
            ) from None
        proven = False
    if not proven and paid:
        _ask_for_one_token(wire)
        proven = True
    said = (
        "This server answers and takes the key."
        if proven
        else ("This server answers, but lists its models to anybody: only a paid test could prove the key.")
    )
    if wire.settings.auth_scheme == NONE:
        said = "This server answers."
    return TestResult(success=True, message=said, kind="inference")


test.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest would take it for a test


def _needs_a_key(wire: Wire) -> bool:
    try:
        wire.get(wire.settings.models_path, attempts=1, anonymous=True)
    except ProviderError as refused:
        if refused.permanent:
            return True
        raise
    return False


def _ask_for_one_token(wire: Wire) -> None:
    if not wire.settings.test_model:
        raise ProviderRequestRejected("The paid test needs the name of a model of this server. Fill in its field.")
    body = {
        "model": wire.settings.test_model,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": 1,
    }
    wire.post("/chat/completions", body, attempts=1)
