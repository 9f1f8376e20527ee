"""What a JSON body may not be, though a lenient reader would take it: said before anybody reads it."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn, cast

from guardian.errors import ValidationError

DEEPEST = 32  # the deepest body that we know has 6 levels
_MOST = 2**63  # PostgreSQL's bigint ends there


def require_sound_json(body: bytes) -> None:
    """Raises ValidationError for JSON that is cut, nested too deep or names a field twice, and for odd values.

    RFC 8259 leaves it open what a name that comes twice means: two readers of one body would see two bodies.
    """
    if not body:
        return
    try:
        value = json.loads(
            body,
            object_pairs_hook=_no_duplicates,
            parse_int=_bounded,
            parse_float=_finite,
            parse_constant=lambda name: _refuse("body", f"{name} is no number. Leave the field out, or send null."),
        )
    except RecursionError:
        _refuse_depth()
    except UnicodeDecodeError:
        _refuse("body", "The body is not UTF-8.")
    except json.JSONDecodeError as error:
        _refuse("body", f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.")
    for path, depth, text in _texts(value):
        if depth > DEEPEST:
            _refuse_depth()
        if text is not None:
            _require_sound(path, text)


def _texts(value: object) -> Iterator[tuple[str, int, str | None]]:
    """Every text with where it is, names of fields among them; without recursion, since depth is what is looked for."""
    waiting: list[tuple[str, int, object]] = [("", 1, value)]
    while waiting:
        path, depth, each = waiting.pop()
        if isinstance(each, str):
            yield path, depth, each
        elif isinstance(each, dict):
            yield path, depth, None
            for name, inner in cast("dict[str, object]", each).items():
                yield path, depth, name
                waiting.append((f"{path}.{name}" if path else name, depth + 1, inner))
        elif isinstance(each, list):
            yield path, depth, None
            waiting += [
                (f"{path}.{n}" if path else f"{n}", depth + 1, e) for n, e in enumerate(cast("list[object]", each))
            ]


def _require_sound(path: str, text: str) -> None:
    if "\x00" in text:
        _refuse(path, "must not contain the character NUL (\\u0000)")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        _refuse(path, "must not contain half of a surrogate pair (\\ud800 to \\udfff)")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        _refuse(twice, "comes twice in one object. Send it once.")
    return found


def _bounded(text: str) -> int:
    # Python reads at most 4,300 digits, and says so in an error of its own.
    if len(text) > 20 or not -_MOST <= int(text) < _MOST:
        _refuse("body", f"{text[:20]}{'…' if len(text) > 20 else ''} is too large for a number here.")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        _refuse("body", f"{text[:20]} is too large for a number here.")
    return number


def _refuse_depth() -> NoReturn:
    _refuse("body", f"The body is nested deeper than {DEEPEST} levels.")


def _refuse(field: str, message: str) -> NoReturn:
    # What a sender calls a field may be anything, and goes into the answer.
    name = "".join(c if c.isprintable() else "�" for c in field)[:100] or "body"
    raise ValidationError("Validation failed", details=[{"field": name, "message": message}])
