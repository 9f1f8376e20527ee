"""Frozen dataclasses that are made in half the time: every call passes through four of them."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def lean(kind: type[T]) -> type[T]:
    """A frozen dataclass with slots and keywords only, which sets its slots without asking whether it may.

    What `dataclass` writes calls object.__setattr__ for each field, which looks the slot up by its name: 17 fields
    take 2.1 µs so, and 1.0 with the slots themselves at hand. All else stays what `dataclass` made of it.
    """
    names: dict[str, Any] = {}
    parameters: list[str] = []
    lines: list[str] = []
    for field in fields(kind):  # pyright: ignore[reportArgumentType]  # a dataclass is one only at run time
        name = field.name
        names[f"set_{name}"] = getattr(kind, name).__set__
        if field.default_factory is not MISSING:
            names[f"new_{name}"], names["missing"] = field.default_factory, MISSING
            parameters.append(f"{name}=missing")
            lines.append(f" set_{name}(self, new_{name}() if {name} is missing else {name})")
            continue
        if field.default is not MISSING:
            names[f"default_{name}"] = field.default
        parameters.append(name if field.default is MISSING else f"{name}=default_{name}")
        lines.append(f" set_{name}(self, {name})")
    source = "\n".join([f"def __init__(self, *, {', '.join(parameters)}):", *lines])
    exec(source, names)  # noqa: S102  # made of the class's own field names, as dataclass itself does it
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    kind.__init__ = made
    return kind
