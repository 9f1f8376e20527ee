"""Numbers and times of senders that are more than a computer can hold: told as wrong, and never written out."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

_MOST_PLACES = 50  # behind the point: written out, 1e-999999999 would fill the memory


def decimal_of(text: str) -> Decimal:
    """A number of JSON. Raises ValueError, which the decoder tells as what else is wrong with an event."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("Its exponent is more than a number can have") from None


def is_amount(number: Decimal, most: Decimal) -> bool:
    """Whether it is a number from zero to `most`."""
    return number.is_finite() and 0 <= number < most and int(number.as_tuple().exponent) >= -_MOST_PLACES


def utc_of(moment: datetime) -> datetime | None:
    """The moment in UTC; None where that is before the first day that there is, or after the last one."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
