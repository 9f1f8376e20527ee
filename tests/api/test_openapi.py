"""The API's own description: complete, and true about who may call what."""

import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from guardian.api.ingest import PATHS
from guardian.api.main import ROUTERS
from tests.api.conftest import Client
from tests.api.described import operations, require_documented


def _short(route: APIRoute) -> str:
    return route.path.removeprefix("/api/v1").replace("_id}", "}")


OURS = [
    route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.path.startswith("/api/v1") and route.include_in_schema
]
PUBLIC = {route.path.removeprefix("/api/v1") for route in OURS if route.endpoint.rule.public}


@pytest.fixture
def described(client: Client) -> dict[str, Any]:
    return client.get("/api/openapi.json").json()


def test_every_route_is_described(described: dict[str, Any]) -> None:
    found = {
        (method.upper(), path.removeprefix("/api/v1").replace("_id}", "}"))
        for path, methods in described["paths"].items()
        for method in methods
    }
    front = {("POST", path.removeprefix("/api/v1")) for path in PATHS}
    assert found == {(method, _short(route)) for route in OURS for method in route.methods or ()} | front


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    found = references(described)
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= schemas.keys()


def test_routes_say_how_to_sign_in_and_how_they_fail(described: dict[str, Any]) -> None:
    assert set(described["components"]["securitySchemes"]) == {"session", "accessToken"}
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert ("security" in route) is not (path.removeprefix("/api/v1") in PUBLIC), path
            assert {"400", "429", "500", "503"} <= route["responses"].keys(), path
            assert ("401" in route["responses"]) or "security" not in route, path
            assert route["summary"], (path, method)


def test_ids_of_operations_are_unique(described: dict[str, Any]) -> None:
    ids = [route["operationId"] for methods in described["paths"].values() for route in methods.values()]
    assert len(ids) == len(set(ids))


def test_the_documentation_page_is_there(client: Client) -> None:
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    assert "/api/openapi.json" in answer.text


def test_the_documentation_page_needs_nobody_elses_server(client: Client) -> None:
    page = client.get("/api/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 2
    for source in sources:
        assert source.startswith("/"), source
    for source in (s for s in sources if s.startswith("/api/")):
        assert client.get(source).status_code == 200


def test_every_example_is_of_its_shape(described: dict[str, Any]) -> None:
    """And there is one of everything that is JSON: of bodies, of answers, and of each failure."""
    for operation in operations():
        told = {"request": operation.facts.get("requestBody", {}), **operation.facts["responses"]}
        for where, each in told.items():
            media = each.get("content", {}).get("application/json")
            if media is None:
                continue
            shape = {**media["schema"], "components": described["components"]}
            problems = [
                f"{list(e.path)}: {e.message}" for e in Draft202012Validator(shape).iter_errors(media["example"])
            ]
            assert problems == [], (operation.name, where)


def test_every_status_says_what_it_means(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    for operation in operations():
        for status, each in operation.facts["responses"].items():
            assert status.isdigit(), operation.name
            assert each["description"], operation.name
            if int(status) >= 400:
                assert each["content"]["application/json"]["example"]["success"] is False
                assert "RateLimit-Remaining" in each["headers"], operation.name


def test_an_undocumented_status_is_noticed() -> None:
    asked = httpx.Request("GET", "http://x/api/v1/budgets/c1?x=1")
    require_documented(httpx.Response(404, request=asked))
    with pytest.raises(AssertionError, match=r"GET /budgets/\{budget_id\} has no 418"):
        require_documented(httpx.Response(418, request=asked))
