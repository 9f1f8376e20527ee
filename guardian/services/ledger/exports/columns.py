"""The columns of our usage export: every fact of a usage row, under the REST API's names, so that it can be read back.

Money has 12 decimal places (peers' exports), documents are JSON, times RFC 3339 in UTC. `localDate` is the day in the
organization's zone, for people; nothing reads it back. A text that a spreadsheet would run as a formula begins with an
apostrophe, and so does one that begins with an apostrophe itself: taking the first one away gives the text back.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from guardian.models.usage import Counts

Kind = Literal["text", "count", "money", "time", "document", "date"]

_COUNTS = tuple(Counts.model_fields)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


_TEXTS_BEFORE = ("provider", "model", "operation", "origin", "series")
_TEXTS_AFTER = ("error", "account_id", "project_id", "external_key_id", "external_user_id", "service_tier", "session")
# By database column: (name in the file, kind). localDate comes after the timestamp that it is made of.
COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "id": ("id", "text"),
    "timestamp": ("timestamp", "time"),
    "local_date": ("localDate", "date"),
    "bucket_end": ("bucketEnd", "time"),
    **{name: (_camel(name), "text") for name in _TEXTS_BEFORE},
    "requests": ("requests", "count"),
    **{name: (_camel(name), "count") for name in _COUNTS},
    "units": ("units", "document"),
    "cost": ("cost", "money"),
    "cost_source": ("costSource", "text"),
    "cost_reason": ("costReason", "text"),
    "price_source": ("priceSource", "text"),
    "price_version": ("priceVersion", "text"),
    "price_ref": ("priceRef", "text"),
    "bill": ("bill", "document"),
    "response_time": ("responseTime", "count"),
    "status_code": ("statusCode", "count"),
    **{name: (_camel(name), "text") for name in _TEXTS_AFTER},
    "tags": ("tags", "document"),
    "metadata": ("metadata", "document"),
    "user_id": ("userId", "text"),
    "api_key_id": ("apiKeyId", "text"),
    "organization_id": ("organizationId", "text"),
}
NAMES: tuple[str, ...] = tuple(name for name, _ in COLUMNS.values())
# The full-width ones are signs too where people type them (https://owasp.org/www-community/attacks/CSV_Injection).
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
_MONEY = Decimal("1e-12")


def escaped(text: str) -> str:
    """A text that no spreadsheet runs as a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def unescaped(text: str) -> str:
    return text[1:] if text.startswith("'") else text


def money(amount: Decimal) -> str:
    """12 decimal places, a point, no exponent."""
    return format(amount.quantize(_MONEY), "f")
