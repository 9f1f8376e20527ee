"""What single usage rows are found by, and what is told of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.records import BillLine
from guardian.services.ledger.views.spend import DIMENSIONS

# What sums know nothing of, so that single rows are read for it: the caller's session, and our token that it came with.
ROW_DIMENSIONS: tuple[str, ...] = ("session", "accessToken")
# What single usage rows can be filtered by: all of these, and any tag ("key:value").
USAGE_FILTERS: tuple[str, ...] = (*DIMENSIONS, *ROW_DIMENSIONS, "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Usage rows of every book with a timestamp in [start, end), either side open when None.

    `filters` holds allowed values by name of USAGE_FILTERS; the value "" means "has none". Besides, `userId` is whose a
    row is, where `user` is who caused it.
    """

    start: datetime | None = None
    end: datetime | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """One usage row. `names` is keyed by dimension (project, providerKey, apiKey, user, externalUser, account), and
    by accessToken.

    `cost` is None exactly where `cost_source` is unpriced. `bill` is filled by get_usage only.
    """

    id: str
    provider: Provider
    model: str
    operation: str
    origin: UsageOrigin
    series: str | None
    requests: int | None
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_30m_tokens: int
    cache_write_1h_tokens: int
    cache_write_12h_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_input_tokens: int
    image_output_tokens: int
    video_input_tokens: int
    video_output_tokens: int
    units: Mapping[str, Any]
    cost: Decimal | None
    cost_source: CostSource
    cost_reason: str | None
    price_source: str | None
    price_version: str | None
    price_ref: str | None
    response_time: int | None
    status_code: int | None
    error: str | None
    timestamp: datetime
    bucket_end: datetime | None
    user_id: str
    organization_id: str | None
    api_key_id: str | None
    account_id: str | None
    project_id: str | None
    external_key_id: str | None
    external_user_id: str | None
    service_tier: str | None
    tags: Mapping[str, Any]
    session: str | None
    metadata: Mapping[str, Any]
    names: Mapping[str, str]
    access_token_id: str | None = None
    bill: tuple[BillLine, ...] = ()
