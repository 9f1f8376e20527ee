"""Which provider's key is which key of the vault: the surest way counts, and nothing is guessed from little."""

from datetime import date
from decimal import Decimal

from guardian.models.enums import CostSource, Provider
from guardian.records import CostBreakdown
from guardian.services.ledger.reconciliation.keys import Usage, VaultKey, same_usage, told_keys
from guardian.services.ledger.reconciliation.service import read_books
from guardian.services.ledger.reconciliation.views import Cause, ReconciliationQuery
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, World, at, causes, only, unix

OPENAI, ANTHROPIC = Provider.OPENAI, Provider.ANTHROPIC


def vault(id: str = "v1", **fields: object) -> VaultKey:
    facts: dict[str, object] = {"provider": OPENAI, "label": "prod web", "hint": "x4Tq"}
    return VaultKey(id=id, **(facts | fields))  # type: ignore[arg-type]


def used(tokens: int, day: date = FIRST) -> Usage:
    return (day, "gpt-6-sol", frozenset({("output_tokens", Decimal(tokens))}))


def test_the_surest_way_counts() -> None:
    told = vault("told", external_id="key_1", label="a")
    seen = vault("seen", label="b")
    named = vault("named", label="Prod Web")
    masked = vault("masked", label="c", hint="9bLm")
    names = {(OPENAI, "key_1"): "prod web", (OPENAI, "key_3"): "prod web ", (OPENAI, "key_4"): "sk-proj-ab…9bLm"}
    found = told_keys([told, seen, named, masked], names, [((OPENAI, "key_2"), "seen"), ((OPENAI, "key_1"), "seen")])
    assert found == {
        (OPENAI, "key_1"): "told",
        (OPENAI, "key_2"): "seen",
        (OPENAI, "key_3"): "named",
        (OPENAI, "key_4"): "masked",
    }


def test_a_name_that_two_keys_have_or_another_provider_has_tells_nothing() -> None:
    assert told_keys([vault("v1"), vault("v2")], {(OPENAI, "key_1"): "prod web"}, []) == {}
    assert told_keys([vault()], {(ANTHROPIC, "key_1"): "prod web"}, []) == {}
    assert told_keys([vault(label=None, hint="")], {(OPENAI, "key_1"): "", (OPENAI, "key_2"): "sk-…"}, []) == {}


def test_equal_usage_tells_a_key_when_it_is_much_and_no_other_key_has_it() -> None:
    key = vault(label="gateway")
    reported = {(OPENAI, "key_1"): {used(5_000)}, (OPENAI, "key_2"): {used(7_000)}}
    assert same_usage([key], {"v1": {used(5_000), used(1)}}, reported, {}) == {(OPENAI, "key_1"): "v1"}
    assert same_usage([key], {"v1": {used(999)}}, {(OPENAI, "key_1"): {used(999)}}, {}) == {}
    both = {(OPENAI, "key_1"): {used(5_000)}, (OPENAI, "key_2"): {used(5_000)}}
    assert same_usage([key], {"v1": {used(5_000)}}, both, {}) == {}
    assert same_usage([key], {"v1": {used(5_000)}}, reported, {(OPENAI, "key_1"): "other"}) == {}


def _report(world: World, fake: FakeProvider, key: str, tokens: int) -> None:
    fake.openai.plant_completion(
        unix(FIRST, 9), uncached=tokens, output=0, model="gpt-6-sol", api_key_id=key, num_model_requests=100
    )


def test_a_gateway_key_whose_id_nobody_told_is_found_by_what_it_used(world: World, fake: FakeProvider) -> None:
    key_id = world.vault_key(external_id=None)
    world.call(at(FIRST, 9), "gpt-6-sol", key_id, input_tokens=100_000)
    _report(world, fake, "key_gateway", 100_000)
    _report(world, fake, "key_shadow", 250_000)
    world.pull(OPENAI)
    found = world.reconcile(FIRST, FIRST)
    assert only(found, Cause.UNKNOWN_KEY).provider_key == "key_shadow"
    assert Cause.BYPASS not in causes(found)


def test_calls_without_a_key_are_compared_with_all_keys_that_have_none_of_their_own(
    world: World, fake: FakeProvider
) -> None:
    world.call(at(FIRST, 9), "gpt-6-sol", None, input_tokens=100_000)
    _report(world, fake, "key_one", 60_000)
    _report(world, fake, "key_two", 70_000)
    world.pull(OPENAI)
    found = only(world.reconcile(FIRST, FIRST), Cause.BYPASS)
    # 30k tokens at $2 a million; whose they are cannot be told.
    assert (found.amount, found.estimated, found.provider_key) == (Decimal("0.06"), True, None)
    assert "key_one, key_two" in found.sentence


def test_a_keys_own_prices_tell_what_of_its_cost_is_of_which_kind(world: World) -> None:
    meta = {"baseUrl": "https://llm.example.com/v1", "prices": "llama-* input 2 output 8"}
    own = world.vault_key(Provider.CUSTOM, None, meta=meta)
    # 1,000 × $2 + 100 × $8 per million = 2,800 millionths
    cost = CostBreakdown(amount=Decimal("0.0028"), source=CostSource.COMPUTED)
    counts = {"input_tokens": 1_000, "output_tokens": 100}
    world.call(at(FIRST, 9), "llama-3", own, provider=Provider.CUSTOM, cost=cost, **counts)
    organization_id = world.actor.organization_id
    books = read_books(world.session, organization_id, ReconciliationQuery(first=FIRST, last=FIRST))
    (cell,) = books.tracked.values()
    assert cell.amounts == {"uncached_input_tokens": Decimal("0.002"), "output_tokens": Decimal("0.0008")}
