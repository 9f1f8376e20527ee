"""The API by its own description: its operations, and whether an answer is one of those that it documents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from guardian.api import create_api


@dataclass(frozen=True)
class Operation:
    """`path` is without /api/v1, and names the ids that it takes: /budgets/{budget_id}."""

    method: str
    path: str
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return "security" not in self.facts

    @property
    def permission(self) -> str | None:
        return self.facts.get("x-permission")

    @property
    def statuses(self) -> frozenset[int]:
        return frozenset(int(status) for status in self.facts["responses"])

    @property
    def ids(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def body(self) -> Any:
        """The example of what is sent; None where nothing is."""
        media = self.facts.get("requestBody", {}).get("content", {}).get("application/json", {})
        return media.get("example")

    @property
    def query(self) -> dict[str, Any]:
        """What has to be in the query."""
        needed = [p for p in self.facts.get("parameters", []) if p["in"] == "query" and p.get("required")]
        return {each["name"]: "gpt-5" for each in needed}


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    return create_api().openapi()


@lru_cache(maxsize=1)
def operations() -> tuple[Operation, ...]:
    """Every one of them, in the order of the description."""
    return tuple(_operations())


def _operations() -> Iterator[Operation]:
    for path, methods in description()["paths"].items():
        for method, facts in methods.items():
            yield Operation(method.upper(), path.removeprefix("/api/v1"), facts)


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, "re.Pattern[str]", Operation]]:
    # Those without ids first: /budgets/preview is no budget.
    ordered = sorted(operations(), key=lambda each: len(each.ids))
    return [(o.method, re.compile("/api/v1" + re.sub(r"\{\w+\}", "[^/]+", o.path)), o) for o in ordered]


def require_documented(answer: httpx.Response) -> None:
    """Fails for a status that the description does not have for what was asked; other paths are nothing to it."""
    method, path = answer.request.method, answer.request.url.raw_path.decode().partition("?")[0]
    for known, pattern, operation in _patterns():
        if known == method and pattern.fullmatch(path):
            assert answer.status_code in operation.statuses, f"{operation.name} has no {answer.status_code}"
            return
