"""The sums of whole days, kept beside the hourly ones so that a year is read as fast as a week."""

from guardian.services.ledger.daily.days import AT_ONCE, disagreements, make_days, organizations

__all__ = ["AT_ONCE", "disagreements", "make_days", "organizations"]
