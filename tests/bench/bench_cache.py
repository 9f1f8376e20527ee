"""How much the cache spares the database: people open dashboard and explorer while usage arrives beneath them."""

from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from guardian import db
from guardian.cache import CacheService
from guardian.models.enums import Provider, TeamRole
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.records import UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.queries import dashboard, invalidate_organization
from guardian.services.ledger.writing.rows import LedgerAccount
from guardian.ui.live_hub import Query
from guardian.ui.pages.dashboard.page import DashboardState
from guardian.ui.pages.usage.page import UsageState
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, place
from tests.conftest import make_actor
from tests.fakes import seed

TARGET = 80.0  # % of the look-ups that find something
_ORGANIZATIONS, _PEOPLE = 3, 6
_ROUNDS = 60 if FULL else 7  # in each everybody opens all these pages, and usage of one organization arrives
_DAYS = 60 if FULL else 10  # of usage in each organization
_BOARDS: tuple[Query, ...] = ((), (("range", "7d"),))
_EXPLORERS: tuple[Query, ...] = ((), (("range", "7d"),))


@dataclass(frozen=True, slots=True)
class _Company:
    people: tuple[Actor, ...]
    account: LedgerAccount

    @property
    def id(self) -> str:
        return self.account.organization_id


def run() -> list[Figure]:
    """The share of look-ups that hit, of each round, from servers of its own that are gone afterwards."""
    with place():
        with Session(db.engine(), expire_on_commit=False) as session:
            companies = [_company(session, number) for number in range(_ORGANIZATIONS)]
            session.commit()
        ratios = [_round(companies, number) for number in range(_ROUNDS)]
    name = f"look-ups of {_ORGANIZATIONS * _PEOPLE} people's dashboards and explorers that hit, while usage arrives"
    # In the first round nobody has looked at anything yet.
    return [figure(name, ratios[1:], target=TARGET, unit="%", rounds=True, more=True)]


def _company(session: Session, number: int) -> _Company:
    made = seed.company(session, f"Company {number}")
    seed.usage(session, made, days=_DAYS)
    members = (
        make_actor(session, made.organization, f"person{number}-{each}", TeamRole.MEMBER) for each in range(1, _PEOPLE)
    )
    account = LedgerAccount(
        organization_id=made.organization.id,
        provider=Provider.OPENAI,
        account_id="org-openai-1",
        user_id=made.owner.id,
    )
    return _Company((made.actor, *members), account)


def _round(companies: list[_Company], number: int) -> float:
    """Everybody looks, half of them before the usage arrives, which the open pages then show by themselves."""
    hits, misses = CacheService().counts()
    one = companies[number % len(companies)]
    for company in companies:
        _look(company.people[: _PEOPLE // 2])
    _arrive(one, number)
    _hear(one)
    for company in companies:
        _look(company.people[_PEOPLE // 2 :])
    hits_now, misses_now = CacheService().counts()
    return 100 * (hits_now - hits) / (hits_now - hits + misses_now - misses)


def _look(people: tuple[Actor, ...]) -> None:
    for person in people:
        for page, queries in ((DashboardState, _BOARDS), (UsageState, _EXPLORERS)):
            for query in queries:
                with db.session() as session:
                    page._read(session, person, query)
                    page._read_own(session, person)


def _arrive(company: _Company, number: int) -> None:
    """A pull's worth of usage, whose commit makes outdated what is kept; the pages must show it."""
    hour = floor_hour(utcnow()) - HOUR
    record = UsageRecord(
        provider=Provider.OPENAI,
        operation="chat",
        model="gpt-5-mini",
        start=hour,
        end=hour + HOUR,
        counts=UsageCounts(input_tokens=1_000_000 * (number + 1)),
        requests=1,
    )
    before = _spent(company)
    with db.session() as session:
        seed.add_usage(session, company.account, hour, record)
    invalidate_organization(company.id)
    if _spent(company) <= before:
        raise RuntimeError("What arrived is not shown: hits of an outdated cache say nothing.")


def _spent(company: _Company) -> Decimal:
    with db.session() as session:
        return dashboard(session, company.people[0]).totals.cost


def _hear(company: _Company) -> None:
    """As the live hub does: once for each kind of page and address, whoever has it open."""
    for page, queries in ((DashboardState, _BOARDS), (UsageState, _EXPLORERS)):
        for query in queries:
            with db.session() as session:
                page._read(session, company.people[0], query)
