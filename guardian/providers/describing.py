"""What people are told of a vendor before they give its key: the kinds of key, what each is for, what else is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from guardian.models.enums import Provider


class KeyKind(NamedTuple):
    """One kind of key of a vendor. `kind` is that of TestResult: "admin" keys read reports, "inference" keys do not.

    `hint` says what it is and who makes it, `place` where in the vendor's console that is, at the address `href`.
    """

    kind: str
    name: str
    hint: str
    href: str = ""
    place: str = ""


class KeyField(NamedTuple):
    """Something that is asked for besides the key, and kept in the key's metadata under `name`.

    A `secret` one is never shown again. `kind` is the kind of key that it belongs to, None for all of them. `choices`
    are values and what people read for them, the first being the default; `example` is what may be typed otherwise, in
    several `lines` or in one. An `advanced` one is of use to few.
    """

    name: str
    label: str
    help: str
    secret: bool = False
    required: bool = False
    kind: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""
    lines: bool = False
    advanced: bool = False


NO, YES = "no", "yes"
# Some vendors let everybody list the models, or nobody: then only a call that costs money proves a key.
PAID_TEST = KeyField(
    "paidTest",
    "Paid test",
    "Where listing the models proves nothing, one tiny call does, for less than a cent.",
    choices=((NO, "Not allowed"), (YES, "Allowed")),
)


def allows_paid_test(metadata: Mapping[str, Any]) -> bool:
    """Whether the key's owner agreed to a test that costs money."""
    return metadata.get(PAID_TEST.name) == YES


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescription:
    """One vendor, for a form and for the REST API. `reporting` says whether any kind of its keys can read reports.

    `no_reporting` is a sentence for people where there is none, or where only some accounts have it; else empty.
    """

    provider: Provider
    name: str
    reporting: bool
    key_kinds: tuple[KeyKind, ...]
    no_reporting: str = ""
    fields: tuple[KeyField, ...] = ()
