"""Example answers of the vendors, and the identities that every reading of usage must keep."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from guardian.models.enums import Provider
from guardian.providers.usage import StatedUsage, read_usage

EXAMPLES = Path(__file__).parents[3] / "contracts" / "examples"


def example(path: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / path).read_text(), parse_float=Decimal)


def events(path: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of an example stream."""
    for line in (EXAMPLES / path).read_text().splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield json.loads(data, parse_float=Decimal)


def stated(
    provider: Provider, flavour: str, body: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> StatedUsage:
    """What the body states; it has to state something, and its shares have to be disjoint parts of their totals."""
    found = read_usage(provider, flavour, body, settings)
    assert found is not None
    assert_disjoint(found)
    return found


def assert_disjoint(found: StatedUsage) -> None:
    """Every share is zero or more, and the shares of each side, with the plain text left over, add up to its total."""
    counts = found.counts
    assert counts.problems() == []
    text_out = (
        counts.output_tokens
        - counts.reasoning_tokens
        - counts.audio_output_tokens
        - counts.image_output_tokens
        - counts.video_output_tokens
    )
    assert counts.uncached_text_tokens >= 0
    assert text_out >= 0
    assert counts.total_tokens == counts.input_tokens + counts.output_tokens


def units(**numbers: int | str) -> dict[str, Decimal]:
    return {name: Decimal(number) for name, number in numbers.items()}
