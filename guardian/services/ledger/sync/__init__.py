"""A provider's reports into the ledger: pulls asked for, worked on under a lease, step by step, and what they cover."""

from guardian.services.ledger.sync.requests import due_keys, get_run, list_runs, request_sync, resume_runs

__all__ = ["due_keys", "get_run", "list_runs", "request_sync", "resume_runs"]
