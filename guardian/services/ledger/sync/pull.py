"""A pull in steps: each is fetched whole from the provider, outside of any transaction, and then written in one."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlmodel import Session

from guardian.errors import ProviderError
from guardian.periods import DAY, Window
from guardian.providers.base import BaseProvider
from guardian.records import Balance, CostBucket, NamedResource, UsageBucket
from guardian.services.ledger.sync.leases import Claim, is_done
from guardian.services.ledger.sync.runs import record_step
from guardian.services.ledger.writing.buckets import WriteResult, replace_buckets, replace_costs
from guardian.services.ledger.writing.resources import keep_names
from guardian.services.people.provider_keys import keep_balance, tell_ids

# One page of an hourly report holds a week, one of a cost report a month (contracts): a step is one request.
_USAGE_CHUNK, _COST_CHUNK = timedelta(days=7), 30 * DAY


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of a pull; `report` is empty unless it is usage."""

    kind: Literal["names", "usage", "costs"]
    window: Window
    report: str = ""

    @property
    def id(self) -> str:
        return "/".join([self.kind, self.report, f"{self.window.start:%Y-%m-%dT%H:%M}"])


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the provider said about one step; only the fields of its kind are filled, `balance` with the names."""

    names: tuple[NamedResource, ...] = ()
    balance: Balance | None = None
    usage: tuple[UsageBucket, ...] = ()
    costs: tuple[CostBucket, ...] = ()


def plan(provider: BaseProvider, window: Window) -> tuple[Step, ...]:
    """All steps of a pull: names, then usage from the newest week back, so that today is there first, then costs.

    The same window always gives the same steps: a run that was cut off goes on with those that are left.
    """
    weeks = list(provider.reported(window).chunks(_USAGE_CHUNK))[::-1]
    months = list(window.chunks(_COST_CHUNK))[::-1]
    return (
        Step("names", window),
        *(Step("usage", week, report) for week in weeks for report in provider.reports_of_key()),
        *(Step("costs", month) for month in months),
    )


def fetch(provider: BaseProvider, api_key: str, step: Step) -> Fetched:
    """Ask the provider for everything of one step. Raises ProviderError."""
    start, end = step.window.start, step.window.end
    if step.kind == "names":
        names = tuple(provider.get_resources(api_key))
        with suppress(ProviderError):  # a courtesy like the names, which are worth keeping without it
            return Fetched(names=names, balance=provider.get_balance(api_key))
        return Fetched(names=names)
    if step.kind == "usage":
        return Fetched(usage=tuple(provider.get_usage(api_key, start, end, step.report)))
    return Fetched(costs=tuple(provider.get_costs(api_key, start, end)))


def write(session: Session, claim: Claim, steps: tuple[Step, ...], step: Step, fetched: Fetched) -> None:
    """Store one step's data and that it is done, in one transaction; nothing when an earlier try has done so.

    Raises LeaseLost when the run is another worker's by now, ProviderContractBroken for what cannot be true.
    """
    if is_done(session, claim, step.id):
        return
    result = WriteResult()
    if step.kind == "names":
        account = claim.account
        keep_names(session, account, fetched.names)
        tell_ids(session, account.organization_id, account.provider, fetched.names)
        if fetched.balance is not None:
            keep_balance(session, account.organization_id, account.provider, account.account_id, fetched.balance)
    elif step.kind == "usage":
        result = replace_buckets(session, claim.account, fetched.usage)
    else:
        result = replace_costs(session, claim.account, fetched.costs)
    record_step(session, claim, step.id, total=len(steps), result=result, read=lambda done: _read(steps, done))


def _read(steps: tuple[Step, ...], done: frozenset[str]) -> list[Window]:
    """The spans of which every usage report is done."""
    left = {step.window for step in steps if step.kind == "usage" and step.id not in done}
    return [w for w in dict.fromkeys(step.window for step in steps if step.kind == "usage") if w not in left]
