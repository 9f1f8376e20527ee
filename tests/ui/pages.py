"""Working a page's State like a browser does, without one."""

import inspect
from collections.abc import Callable
from typing import Any

import reflex as rx

from tests.ui.conftest import run_async

OpenPage = Callable[..., Any]


def work(state: rx.State, handler: str, *arguments: Any) -> Any:
    """Run one event of the State to its end; what it returns."""
    result = type(state).event_handlers[handler].fn(state, *arguments)

    async def run() -> Any:
        if inspect.isasyncgen(result):
            async for _ in result:
                pass
            return None
        return await result

    return run_async(run())


def payload(event: Any) -> dict[str, Any]:
    """What an event that a handler returned tells the browser, by name."""
    return {str(name): getattr(value, "_var_value", None) for name, value in event.args}
