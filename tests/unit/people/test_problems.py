"""The words of the forms."""

from guardian.errors import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    GuardianError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
    ValidationError,
)
from guardian.services.people.access import problems


def test_every_code_has_words_and_every_error_a_code() -> None:
    errors: list[GuardianError] = [
        AuthenticationError(),
        AuthorizationError(),
        ConflictError("x"),
        RateLimitError(5),
        UnavailableError("x"),
        ValidationError("x"),
        ValidationError("x", details=[{"field": "email", "message": "y"}]),
        ValidationError("x", details=[{"field": "<script>", "message": "y"}]),
        NotFoundError("x"),
        GuardianError("x"),
    ]
    codes = [problems.code_of(error) for error in errors]
    assert codes == [
        "credentials",
        "origin",
        "exists",
        "too-often",
        "unavailable",
        "invalid",
        "email",
        "invalid",
        "invalid",
        "internal",
    ]
    assert all(problems.sentence(code).endswith(".") for code in problems.CODES)
    assert problems.sentence("<b>call us</b>") == problems.sentence("internal")
