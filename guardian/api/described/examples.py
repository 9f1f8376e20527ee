"""Examples made of the shapes themselves: a field without an example gets a plausible value by its name."""

import re
from collections.abc import Mapping
from typing import Any, cast

Schema = Mapping[str, Any]
_REF = "#/components/schemas/"
_ID = "cmhx3v2ab0000q1w2e3r4t5y6"
_MOMENT = "2026-11-24T08:00:00Z"
_DEEPEST = 10

# By the property's name; the first pattern that matches it.
_TEXTS: tuple[tuple[str, str], ...] = (
    (r"^id$|Id$|^ids$|Ids$", _ID),
    (r"email|Email", "ada@acme.test"),
    (r"password|Password", "correct horse battery"),
    (r"(Url|^url)$", "https://acme.test/hook"),
    (r"[tT]imeZone|^tz$", "Europe/Berlin"),
    (r"[cC]urrency", "EUR"),
    (r"cost|amount|limit|spent|held|forecast|threshold|price|total|Cost|Amount", "12.50"),
    (r"^(from|to|day|startDate|endDate|validFrom|validTo)$", "2026-11-01"),
    (r"(At|timestamp|until|Until|start|end|Start|End)$", _MOMENT),
    (r"month", "2026-10"),
    (r"model|Model", "gpt-5"),
    (r"[hH]int", "x4Tq"),
    (r"provider|Provider", "OPENAI"),
    (r"requestId", "7f2c1f0e-3f5e-4d53-9a3c-5e0d1c2b3a49"),
    (r"^code$", "123456"),
    (r"secret|Secret|token$|^key$", "shown-once-0123456789"),
    (r"name|label|title|Name", "Search"),
)
_FORMATS = {
    "date-time": _MOMENT,
    "date": "2026-11-01",
    "email": "ada@acme.test",
    "uri": "https://acme.test",
    "binary": "",
}


def example_of(schema: Schema, schemas: Schema, name: str = "", *, whole: bool, depth: int = 0) -> Any:
    """A value of this shape. `whole`: with every field, as answers have; else with those that have to be there."""
    if "$ref" in schema:
        named: Schema = schemas[str(schema["$ref"]).removeprefix(_REF)]
        return example_of(named, schemas, name, whole=whole, depth=depth)
    for given in ("examples", "example", "const", "enum"):
        if given in schema:
            value = schema[given]
            return cast("list[Any]", value)[0] if given in ("examples", "enum") else value
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example_of(_preferred(schema[choice]), schemas, name, whole=whole, depth=depth)
    return _by_type(schema, schemas, name, whole=whole, depth=depth)


def _preferred(choices: list[Schema]) -> Schema:
    """Texts before numbers: amounts are texts here."""
    real = [each for each in choices if each.get("type") != "null"] or choices
    return next((each for each in real if each.get("type") == "string"), real[0])


def _by_type(schema: Schema, schemas: Schema, name: str, *, whole: bool, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, whole=whole, depth=depth)
    if kind == "array":
        if "prefixItems" in schema:
            return [example_of(each, schemas, name, whole=whole, depth=depth + 1) for each in schema["prefixItems"]]
        if depth > _DEEPEST or "items" not in schema:
            return []
        return [example_of(schema["items"], schemas, name, whole=whole, depth=depth + 1)]
    if kind == "string":
        return _text(schema, name)
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), min(schema.get("exclusiveMaximum", schema.get("maximum", 3)), 3))
    return {"boolean": True}.get(str(kind))


def _object(schema: Schema, schemas: Schema, *, whole: bool, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        return {}
    required = schema.get("required", ())
    properties: Mapping[str, Schema] = schema.get("properties", {})
    return {
        name: example_of(each, schemas, name, whole=whole, depth=depth + 1)
        for name, each in properties.items()
        if whole or name in required or "examples" in each
    }


def _text(schema: Schema, name: str) -> str:
    by_format = _FORMATS.get(str(schema.get("format")))
    found = by_format if by_format is not None else next((v for p, v in _TEXTS if re.search(p, name)), "text")
    return found[: schema.get("maxLength", 200)]
