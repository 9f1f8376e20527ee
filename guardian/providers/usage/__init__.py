"""What an answer states of its use: one function per vendor and API flavour, all giving the same disjoint counts."""

from guardian.providers.usage.reading import FLAVOURS, read_usage
from guardian.providers.usage.recording import record_from, record_of
from guardian.providers.usage.stated import StatedUsage

__all__ = ["FLAVOURS", "StatedUsage", "read_usage", "record_from", "record_of"]
