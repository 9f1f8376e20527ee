"""Walks that end, walks that do not, and requests that are asked again with less."""

from collections.abc import Sequence
from typing import Any

import pytest

from guardian.errors import ProviderContractBroken, ProviderForbidden, ProviderRequestRejected
from guardian.providers.failures import Answer
from guardian.providers.reports.paging import ask_within_support, last_id, walk


def page(data: list[Any], token: str | None = None, **more: Any) -> Answer:
    return Answer(200, {"data": data, "has_more": token is not None, "next_page": token, **more}, {})


def test_pages_are_asked_for_by_the_token_of_the_one_before() -> None:
    answers = {None: page([1], "a"), "a": page([2], "b"), "b": page([3])}
    assert [p.raw["data"] for p in walk(lambda t: answers[t], "The report", most=5)] == [[1], [2], [3]]


def test_a_page_may_be_repeated_but_not_for_ever() -> None:
    numbers = iter(range(100))
    answers = [page([1], "a"), page([1], "b"), page([2])]
    assert len(list(walk(lambda t: answers.pop(0), "The report", most=5))) == 3
    with pytest.raises(ProviderContractBroken, match="pages without end"):
        list(walk(lambda t: page([1], f"t{next(numbers)}"), "The report", most=1000))
    assert next(numbers) < 10


def test_a_token_that_comes_again_ends_the_walk() -> None:
    numbers = iter(range(100))
    with pytest.raises(ProviderContractBroken, match="names the same next page again"):
        list(walk(lambda t: page([next(numbers)], "again"), "The report", most=1000))
    assert next(numbers) == 2


def test_the_number_of_pages_is_bounded() -> None:
    numbers = iter(range(100))
    with pytest.raises(ProviderContractBroken, match="pages without end"):
        list(walk(lambda t: page([], f"t{next(numbers)}"), "The report", most=7))
    assert next(numbers) == 7


def test_lists_go_on_after_the_last_id() -> None:
    asked: list[str | None] = []

    def fetch(after: str | None) -> Answer:
        asked.append(after)
        body = {None: ({"id": "a"}, True, "a"), "a": ({"id": "b"}, True, None), "b": ({"id": "c"}, False, None)}[after]
        return Answer(200, {"data": [body[0]], "has_more": body[1], "last_id": body[2]}, {})

    assert len(list(walk(fetch, "The list", most=9, follow=last_id))) == 3
    assert asked == [None, "a", "b"]


def test_an_empty_list_that_says_there_is_more_is_refused() -> None:
    with pytest.raises(ProviderContractBroken, match="there is more, but not where"):
        list(walk(lambda t: Answer(200, {"data": [], "has_more": True}, {}), "The list", most=9, follow=last_id))


def refuse(message: str, status: int = 400) -> ProviderRequestRejected:
    return ProviderRequestRejected(message, upstream_status=status)


def ask(
    refused: dict[str, str], wanted: Sequence[str], droppable: Sequence[str], back: Sequence[str] = ()
) -> list[str]:
    """What remains when asking for a feature of `refused` answers 400 with that text."""

    def one(features: Sequence[str]) -> Answer:
        for name, text in refused.items():
            if name in features:
                raise refuse(text)
        return page([])

    return list(ask_within_support(one, wanted, droppable, back)[1])


ALL = ["project_id", "model", "api_source", "user_id"]


@pytest.mark.parametrize(
    "text",
    [
        "Invalid value: 'user_id'. Supported values are: project_id, model, api_source.",
        "Grouping by project_id and user_id is not available for this time range.",
        "group_by: Input should be one of project_id, model, api_source",
    ],
)
def test_the_feature_that_the_refusal_is_about_is_dropped(text: str) -> None:
    assert ask({"user_id": text}, ALL, ["api_source", "user_id"]) == ["project_id", "model", "api_source"]


def test_without_a_name_features_are_dropped_in_their_order() -> None:
    assert ask({"user_id": "no"}, ALL, ["api_source", "user_id"]) == ["project_id", "model"]


def test_what_cannot_be_dropped_is_raised() -> None:
    with pytest.raises(ProviderRequestRejected, match="model"):
        ask({"model": "model is wrong"}, ALL, ["api_source", "user_id"])
    with pytest.raises(ProviderRequestRejected, match="key floor"):
        ask({"api_key_id": "api_key_id: key floor"}, [*ALL, "api_key_id"], ["api_source"], ["api_key_id"])


@pytest.mark.parametrize("error", [refuse("gone", 404), ProviderForbidden("api_source no", upstream_status=403)])
def test_other_refusals_are_no_reason_to_ask_for_less(error: Exception) -> None:
    asked: list[int] = []

    def one(features: Sequence[str]) -> Answer:
        asked.append(1)
        raise error

    with pytest.raises(type(error)):
        ask_within_support(one, ALL, ["api_source"])
    assert len(asked) == 1
