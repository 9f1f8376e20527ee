"""DeepSeek besides OpenAI's API: its balance, which also tests a key."""

from guardian.errors import ProviderQuotaExhausted
from guardian.providers.custom.wire import Wire
from guardian.providers.reports.reading import Row
from guardian.records import Balance, TestResult

_MESSAGE = "This key works for inference, and tells the balance."


def test(wire: Wire) -> TestResult:
    """Raises ProviderError; ProviderQuotaExhausted for a good key whose balance is too low for a call."""
    answer = _ask(wire, attempts=1)
    if not answer.flag("is_available"):
        raise ProviderQuotaExhausted("DeepSeek says that the balance is too low for a call. Top it up.")
    return TestResult(success=True, message=_MESSAGE, kind="inference", balance=read(answer))


test.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest would take it for a test


def balance(wire: Wire) -> Balance | None:
    return read(_ask(wire))


def read(answer: Row) -> Balance | None:
    """The balance in dollars, or else in the first currency that is told. Amounts are texts."""
    found = [Balance(row.money("total_balance"), row.text("currency")) for row in answer.rows("balance_infos")]
    return next((each for each in found if each.currency == "USD" and each.amount), found[0] if found else None)


def _ask(wire: Wire, attempts: int | None = None) -> Row:
    # Not below /v1.
    answer = wire.get(f"{wire.settings.root}/user/balance", attempts=attempts)
    return Row(answer.body, "DeepSeek's balance")
