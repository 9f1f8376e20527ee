"""Three books for the page: weeks in which they agree, and a handful of faults of the last days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from guardian.models import ApiKey, ProviderCost
from guardian.models.base import new_id
from guardian.models.enums import KeyStatus, Provider, UsageOrigin
from guardian.periods import DAY, floor_day, utcnow
from guardian.records import CostBucket, CostRecord, UsageBucket, UsageCounts, UsageRecord
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from guardian.services.ledger.writing.calls import Call, add_calls
from tests.fakes import seed
from tests.fakes.seed import Company

# gpt-6-sol: $2 and $10 a million tokens of input and output.
_IN, _OUT = Decimal("0.000002"), Decimal("0.00001")
KEY, SHADOW = "key_prodweb01", "key_laptop77"


def write_books(session: Session, of: Company, days: int = 20, *, tracked: bool = True, billed: bool = True) -> None:
    """OpenAI's `days` up to yesterday: all that is tracked is reported and billed, at the same prices.

    Besides: the day before yesterday 3M tokens of a key that is not in the vault ($6, also billed), four days ago
    output billed at $11 instead of $10 a million, and a fee of $0.75 that no report counts.
    """
    now = utcnow()
    today = floor_day(now)
    account = seed.ledger_account(session, of, Provider.OPENAI, today - days * DAY, now)
    gateway = ApiKey(
        provider=Provider.OPENAI,
        encrypted_key="00",
        iv="00",
        tag="00",
        hint="wxyz",
        label="prod web",
        status=KeyStatus.ACTIVE,
        user_id=of.owner.id,
        organization_id=of.organization.id,
        meta={"externalKeyId": KEY},
    )
    session.add(gateway)
    session.flush()
    for number in range(1, days + 1):
        start = today - number * DAY
        size = 40_000 + 1_000 * (number * 7 % 13)
        calls = 6
        usage = [_usage(start, KEY, size * calls, size // 10 * calls, calls)]
        lines = _lines(start, KEY, size * calls, size // 10 * calls, Decimal("0.000011") if number == 4 else _OUT)
        if number == 2:
            usage.append(_usage(start, SHADOW, 3_000_000, 0, 1_000))
            lines += _lines(start, SHADOW, 3_000_000, 0, _OUT)[:1]
        if number == 4:
            lines.append(_cost(start, None, "code interpreter sessions", Decimal("0.75"), None))
        replace_buckets(session, account, [_bucket(start, usage)])
        if billed:
            replace_costs(session, account, [CostBucket(start=start, end=start + DAY, records=tuple(lines))])
        if not tracked:
            continue
        add_calls(
            session,
            of.organization.id,
            [
                Call(
                    identity=("event", f"{start} {call}"),
                    origin=UsageOrigin.GATEWAY,
                    usage=_usage(start + timedelta(hours=8 + call), None, size, size // 10, 1, single=True),
                    user_id=of.owner.id,
                    api_key_id=gateway.id,
                )
                for call in range(calls)
            ],
        )
    session.commit()


def add_unexplained(session: Session, of: Company, amount: Decimal) -> None:
    """A line of the bill, a week ago, of tokens that nobody reported."""
    start = floor_day(utcnow()) - 7 * DAY
    session.add(
        ProviderCost(
            organization_id=of.organization.id,
            id=new_id(),
            provider=Provider.OPENAI,
            account_id="org-openai-1",
            period_start=start,
            period_end=start + DAY,
            line_item="gpt-5.1, input_tokens",
            model="gpt-5.1",
            cost_type="tokens",
            token_type="input_tokens",
            external_key_id=KEY,
            quantity=Decimal(1_234_567),
            billed_cost=amount,
        )
    )
    session.commit()


def _usage(
    start: datetime, key: str | None, tokens_in: int, tokens_out: int, calls: int, *, single: bool = False
) -> UsageRecord:
    return UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model="gpt-6-sol",
        start=start,
        end=start if single else start + DAY,
        counts=UsageCounts(input_tokens=tokens_in, output_tokens=tokens_out),
        requests=calls,
        external_key_id=key,
        project_id="proj_8fkweb2c9q",
    )


def _bucket(start: datetime, usage: list[UsageRecord]) -> UsageBucket:
    return UsageBucket(series="completions", start=start, end=start + DAY, records=tuple(usage))


def _lines(start: datetime, key: str, tokens_in: int, tokens_out: int, out: Decimal) -> list[CostRecord]:
    return [
        _cost(start, key, "gpt-6-sol, input_tokens", tokens_in * _IN, tokens_in),
        _cost(start, key, "gpt-6-sol, output_tokens", tokens_out * out, tokens_out),
    ]


def _cost(start: datetime, key: str | None, item: str, amount: Decimal, quantity: int | None) -> CostRecord:
    model, _, kind = item.partition(", ")
    return CostRecord(
        provider=Provider.OPENAI,
        start=start,
        end=start + DAY,
        amount=amount,
        line_item=item,
        external_key_id=key,
        model=model if kind else None,
        cost_type="tokens" if kind else None,
        token_type=kind or None,
        quantity=None if quantity is None else Decimal(quantity),
        quantity_unit="tokens" if quantity else None,
    )


def utc_day(days_ago: int) -> date:
    """That many days before today, in UTC."""
    return (datetime.now(UTC) - days_ago * DAY).date()
