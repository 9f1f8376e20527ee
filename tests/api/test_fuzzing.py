"""Schemathesis over the whole description: no 500, no status, header or shape that is not described.

GUARDIAN_FUZZ_EXAMPLES says how many right and how many wrong requests each operation gets; GUARDIAN_FULL=1 means 100.
"""

import os
from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from guardian.api.steps import COOKIE
from tests.api.conftest import SignIn
from tests.api.described import description
from tests.conftest import People
from tests.fakes.provider_server import FakeProvider

EXAMPLES = 100 if os.environ.get("GUARDIAN_FULL") == "1" else int(os.environ.get("GUARDIAN_FUZZ_EXAMPLES", "2"))
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(description())
OPERATIONS: list[APIOperation] = [found.ok() for found in SCHEMA.get_all_operations()]
TAGS = sorted({tag for each in OPERATIONS for tag in each.tags or ()})


def test_every_operation_has_a_tag() -> None:
    assert [each.label for each in OPERATIONS if not each.tags] == []


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("tag", TAGS)
def test_whatever_is_sent_is_answered_as_described(
    tag: str, mode: GenerationMode, sign_in: SignIn, people: People, fake: FakeProvider, api_url: str
) -> None:
    """As the owner of an organization; with a session of its own for each operation, some of which end it."""
    found: list[str] = []
    for operation in (each for each in OPERATIONS if tag in (each.tags or ())):
        cookies = {COOKIE: sign_in(people.alice).cookies[COOKIE]}
        try:
            asking(operation, mode, api_url, cookies)()
        except Unsatisfiable:
            continue  # what takes nothing cannot be given anything wrong
        except BaseExceptionGroup as problems:
            found += [f"{operation.label}: {problem}" for problem in problems.exceptions]
        except (AssertionError, schemathesis.errors.SchemathesisError) as problem:
            found.append(f"{operation.label}: {problem}")
    assert found == []


def asking(operation: APIOperation, mode: GenerationMode, url: str, cookies: dict[str, str]) -> Callable[[], None]:
    """A run over one operation. Nothing is shrunk: what is sought is that there is nothing to shrink."""

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case: Case) -> None:
        case.validate_response(case.call(base_url=url, cookies=cookies, timeout=30), checks=_CHECKS)

    return ask
