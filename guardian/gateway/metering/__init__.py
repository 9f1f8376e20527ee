"""What a call used, read from its answer while the answer passes through."""

from guardian.gateway.metering.concluding import unanswered
from guardian.gateway.metering.meter import Meter
from guardian.gateway.metering.results import Metered

__all__ = ["Meter", "Metered", "unanswered"]
