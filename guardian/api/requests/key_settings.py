"""What is wrong with a key's settings, in one sentence each: their type alone would say it once per kind of value."""

from collections.abc import Iterator, Mapping
from typing import cast

from guardian.errors import ValidationError

_MOST, _LONGEST_NAME, _LONGEST = 40, 50, 2_000
_TEXT = f"a text of at most {_LONGEST:,} characters"


def sound_settings(given: object) -> object:
    """The settings as they came. Raises ValidationError with each setting that cannot be; never with its value."""
    found = [{"field": field, "message": message} for field, message in _problems(given)]
    if found:
        raise ValidationError(found[0]["message"], details=found)
    return given


def _problems(given: object) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    if not isinstance(given, dict):
        yield "metadata", 'metadata is an object of settings, such as {"baseUrl": "https://llm.example.com/v1"}.'
        return
    settings = cast("Mapping[str, object]", given)
    if len(settings) > _MOST:
        yield "metadata", f"metadata has {len(settings)} settings. A key has at most {_MOST}."
    for name, value in settings.items():
        if not 1 <= len(name) <= _LONGEST_NAME:
            yield "metadata", f"The name of a setting in metadata has from 1 to {_LONGEST_NAME} characters."
        elif not _is_sound(value):
            field = f"metadata.{name}"
            yield field, f"{field} has to be {_TEXT}, a list of such texts, or an object with such texts."


def _is_sound(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_text(each) for each in cast("list[object]", value))
    if isinstance(value, dict):
        inside = cast("Mapping[str, object]", value)
        return all(1 <= len(name) <= _LONGEST_NAME and _is_text(each) for name, each in inside.items())
    return _is_text(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST
