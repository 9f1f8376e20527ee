"""When one failed attempt is followed by another, and how long after."""

import random

from tenacity import RetryCallState

from guardian.errors import ProviderError


class Failed(Exception):
    """One attempt that failed; `again` says whether another may help."""

    def __init__(self, error: ProviderError, again: bool) -> None:
        super().__init__()
        self.error = error
        self.again = again


def wait(state: RetryCallState) -> float:
    """The provider's own wish, else 0.5 s doubling up to 8 s; jitter keeps many workers from returning at once."""
    failed = state.outcome.exception() if state.outcome else None
    wish = failed.error.retry_after if isinstance(failed, Failed) else None
    if wish is not None:
        return wish + random.uniform(0, 0.25 + wish / 10)  # noqa: S311  # jitter is no secret
    return min(8.0, 0.5 * 2 ** (state.attempt_number - 1)) * random.uniform(0.75, 1)  # noqa: S311  # the same


def may_help(error: BaseException) -> bool:
    return isinstance(error, Failed) and error.again
