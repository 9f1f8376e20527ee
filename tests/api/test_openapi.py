"""The API's own description: complete, and true about who may call what."""

import re
from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.routes import ROUTES

PUBLIC = {route.path for route in ROUTES if route.public}


@pytest.fixture
def described(client: Client) -> dict[str, Any]:
    return client.get("/api/openapi.json").json()


def test_every_route_is_described(described: dict[str, Any]) -> None:
    found = {
        (method.upper(), path.removeprefix("/api/v1").replace("_id}", "}"))
        for path, methods in described["paths"].items()
        for method in methods
    }
    assert found == {(route.method, route.path) for route in ROUTES}


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
            assert {"4XX", "5XX"} <= route["responses"].keys(), path
            assert "422" not in route["responses"], path
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
