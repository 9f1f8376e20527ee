"""The front door for events: usage and spans that applications send, taken without FastAPI, durable at the answer.

The seven steps hold in their order. What is counted against the rate limit is counted in this process's memory: a round
trip to Redis for each event would cost more than storing it. What is audited is that a token tells events: one row in
each hour, with how many of its events the ledger has taken since; a row for each batch would bury all others.
"""

from guardian.api.ingest.app import PATHS, FrontDoor

__all__ = ["PATHS", "FrontDoor"]
