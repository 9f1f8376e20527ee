"""Walks the pages of a provider's report or list, and does not walk for ever."""

import re
from collections.abc import Callable, Iterator, Sequence

from guardian.errors import ProviderContractBroken, ProviderForbidden, ProviderRequestRejected
from guardian.models.enums import ResourceKind
from guardian.providers.failures import Answer
from guardian.providers.reports.reading import Row
from guardian.records import NamedResource

_ALLOWED = re.compile(r"supported values|should be|one of|allowed|expected", re.IGNORECASE)

_MOST_LIST_PAGES = 1000
_STUCK = 4  # the same page this often in a row; a provider may repeat one, but not live on it

Next = Callable[[Row], str | None]


def next_page(page: Row) -> str | None:
    """What report pages name their successor by."""
    return page.maybe_text("next_page")


def last_id(page: Row) -> str | None:
    """What lists are continued after: the envelope's last id, else the last item's own."""
    named = page.maybe_text("last_id")
    items = page.rows("data")
    return named or (items[-1].text("id") if items else None)


def has_more(page: Row) -> bool:
    """What pages say by a field of its own."""
    return page.flag("has_more")


def walk(
    fetch: Callable[[str | None], Answer],
    where: str,
    *,
    most: int,
    follow: Next = next_page,
    more: Callable[[Row], bool] = has_more,
    items: str = "data",
) -> Iterator[Row]:
    """The pages of one walk, their rows under `items`; `fetch` gets the token of the page, None for the first.

    Raises ProviderContractBroken when there is more but no token for it, when a token comes again, when the same page
    comes again and again under new tokens, and after `most` pages: a walk that the provider never ends must not be
    taken for a report, nor run for ever.
    """
    seen: set[str] = set()
    token: str | None = None
    before: object = None
    repeats = 0
    for _ in range(most):
        page = Row(fetch(token).body, where)
        data = page.raw.get(items)
        repeats = repeats + 1 if data and data == before else 0
        if repeats == _STUCK:
            break
        before = data
        yield page
        if not more(page):
            return
        token = follow(page)
        if token is None:
            raise ProviderContractBroken(f"{where} says that there is more, but not where: its numbers are incomplete.")
        if token in seen:
            raise ProviderContractBroken(f"{where} has pages without end: it names the same next page again.")
        seen.add(token)
    raise ProviderContractBroken(f"{where} has pages without end: it goes on where nothing can follow.")


def names(fetch: Callable[[str | None], Answer], where: str) -> Iterator[Row]:
    """The items of a list of named things, or none where the key may not read it.

    Names are a courtesy: a key without the permission still syncs, and people then read ids.
    """
    try:
        for page in walk(fetch, where, most=_MOST_LIST_PAGES, follow=last_id):
            yield from page.rows("data")
    except (ProviderForbidden, ProviderRequestRejected) as error:
        if error.upstream_status not in (403, 404):
            raise


def named(kind: ResourceKind, row: Row, parent: str | None = None) -> NamedResource:
    """One thing of such a list, by its name, an address, or what is shown of a key; else by its id."""
    external_id = row.text("id")
    masked = row.maybe_text("redacted_value") or row.maybe_text("partial_key_hint")
    name = row.maybe_text("name") or row.maybe_text("email") or masked or external_id
    return NamedResource(kind=kind, external_id=external_id, name=name, parent_id=parent, masked=masked)


def ask_within_support(
    ask: Callable[[Sequence[str]], Answer],
    wanted: Sequence[str],
    droppable: Sequence[str],
    handed_back: Sequence[str] = (),
) -> tuple[Answer, Sequence[str]]:
    """Ask with all `wanted` features; each time the provider calls the request wrong, ask again with one fewer.

    Gives the answer and the features that remained. Raises ProviderRequestRejected when nothing is left to drop, or
    when the message blames a feature of `handed_back`, which the caller can do something better about.
    """
    features = list(wanted)
    while True:
        try:
            return ask(features), features
        except ProviderRequestRejected as rejected:
            left = [f for f in droppable if f in features]
            blamed = _blamed(rejected.message, [*left, *handed_back])
            if rejected.upstream_status not in (400, 422) or not left or blamed in handed_back:
                raise
            features.remove(blamed or left[0])


def _blamed(message: str, features: Sequence[str]) -> str | None:
    """The feature that a refusal is about: named before any list of what is allowed, or missing from that list."""
    parts = _ALLOWED.split(message, maxsplit=1)
    named = sorted((parts[0].find(f), f) for f in features if re.search(rf"\b{f}\b", parts[0]))
    if named:
        return named[0][1]
    if len(parts) == 1:
        return None
    listed = [f for f in features if re.search(rf"\b{f}\b", parts[1])]
    return next((f for f in features if f not in listed), None) if listed else None
