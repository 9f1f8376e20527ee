"""The error tree: what its drawing promises is what the classes do."""

import re
from collections.abc import Iterator

import pytest

from guardian import errors
from guardian.errors import GuardianError, ProviderError

_LINE = re.compile(r"^ {4}(?P<branches>[│├└─ ]*)(?P<name>[A-Z]\w+) {2,}(?P<text>.+)$")


def drawn() -> Iterator[tuple[str, str | None, str]]:
    """Each error of the module's drawing: its name, its parent's name, and what is said of it."""
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := _LINE.match(line):
            depth = len(match["branches"]) // 4
            above = [*above[:depth], match["name"]]
            yield match["name"], above[depth - 1] if depth else None, match["text"]


DRAWN = list(drawn())


def family(kind: type[GuardianError]) -> Iterator[type[GuardianError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from family(child)


def test_the_drawing_shows_every_class_once() -> None:
    assert sorted(name for name, _, _ in DRAWN) == sorted(kind.__name__ for kind in family(GuardianError))


@pytest.mark.parametrize(("name", "parent", "text"), DRAWN)
def test_a_class_is_what_the_drawing_says(name: str, parent: str | None, text: str) -> None:
    kind: type[GuardianError] = getattr(errors, name)
    assert kind.__bases__[0].__name__ == (parent or "Exception")
    if stated := re.match(r"(\d{3}) ([A-Z_]+)", text):
        assert (kind.status_code, kind.code) == (int(stated[1]), stated[2])
    if text.startswith(("permanent", "temporary")):
        assert issubclass(kind, ProviderError)
        assert kind.permanent == text.startswith("permanent")


def test_every_code_names_one_class() -> None:
    codes = [kind.code for kind in family(GuardianError) if kind is not errors.ApiError]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in codes)


def test_messages_and_details_are_kept() -> None:
    error = errors.ValidationError("No.", details=[{"field": "name", "message": "missing"}])
    assert (str(error), error.message) == ("No.", "No.")
    assert error.details == [{"field": "name", "message": "missing"}]


def test_the_guides_defaults() -> None:
    assert errors.AuthenticationError().message == "Unauthorized"
    assert errors.AuthorizationError().message == "Forbidden"
    assert errors.NotFoundError("Key").message == "Key not found"
    limited = errors.RateLimitError(30)
    assert (limited.message, limited.retry_after, limited.details) == ("Rate limit exceeded", 30, {"retryAfter": 30})
    waiting = errors.UnavailableError("The database does not answer.")
    assert (waiting.retry_after, waiting.details) == (5, {"retryAfter": 5})


def test_an_answer_of_its_own_status_does_not_change_its_class() -> None:
    error = errors.ApiError("Tea only.", 418, "TEAPOT")
    assert (error.status_code, error.code) == (418, "TEAPOT")
    assert (errors.ApiError("x").status_code, errors.ApiError("x").code) == (500, "INTERNAL_ERROR")


def test_a_providers_error_keeps_what_the_provider_said() -> None:
    error = errors.ProviderRateLimited("Wait.", upstream_status=429, retry_after=1.5, details={"request": "r"})
    assert (error.upstream_status, error.retry_after, error.details) == (429, 1.5, {"request": "r"})
    assert error.status_code == 502
    assert not error.permanent
    assert errors.ProviderUnreachable("No answer.").upstream_status is None
