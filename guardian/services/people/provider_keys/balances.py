"""The credit that is left at a provider, as a test or a pull has just learnt it."""

from sqlalchemy import update
from sqlmodel import Session, col

from guardian.models import ProviderAccount
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.records import Balance


def keep_balance(session: Session, organization_id: str, provider: Provider, account_id: str, balance: Balance) -> None:
    """Note the balance of an account that is known already."""
    session.exec(
        update(ProviderAccount)
        .where(
            col(ProviderAccount.organization_id) == organization_id,
            col(ProviderAccount.provider) == provider,
            col(ProviderAccount.account_id) == account_id,
        )
        .values(balance=balance.amount, balance_currency=balance.currency, balance_at=utcnow())
    )
