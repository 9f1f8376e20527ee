"""Anthropic's answer to one message as a usage record, not streamed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guardian.models.enums import Provider
from guardian.providers.usage import record_of
from guardian.records import UsageRecord


def read(answer: Mapping[str, Any], asked_model: str, at: datetime) -> tuple[UsageRecord, str | None]:
    """The usage of one answer, and why it cannot be priced when the answer states none."""
    return record_of(Provider.ANTHROPIC, "message", "messages", answer, asked_model=asked_model, at=at)
