"""Puts a function behind the seven steps, and takes a request through them."""

import functools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from enum import Enum
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel

from guardian.api.answers.envelope import Envelope, Failure, ListEnvelope
from guardian.api.answers.page_forms import back_to_page
from guardian.api.requests.asking import require_acceptable, require_known
from guardian.api.requests.bodies import read_body, replayed
from guardian.api.requests.uploading import FILE_BODY, spooled
from guardian.api.steps.call import PER_CREDENTIAL, Call, Rule
from guardian.limits import Limit
from guardian.models.base import Row
from guardian.services.people.views import Page

_SECURED: dict[str, Any] = {"security": [{"session": []}, {"accessToken": []}]}
P = ParamSpec("P")
R = TypeVar("R")


class StepRoute(APIRoute):
    """Takes steps 1 to 3 around FastAPI's own handling; the wrapped endpoint takes 4 to 7."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        rule: Rule = getattr(self.endpoint, "rule")  # noqa: B009  # set by route(); a plain attribute is unknown to a type checker

        known = parameters_of(self)

        async def steps(request: Request) -> Response:
            call = Call(request, rule)
            request.state.call = call
            try:
                await run_in_threadpool(call.enter)
                if not rule.file and rule.page is None:
                    require_acceptable(request)
                if not rule.public:  # those that others send people to may carry what those others add
                    require_known(request.query_params, known)
                if rule.upload:
                    call.authorize()  # before two gigabytes are taken from somebody who may not send them
                    async with spooled(request) as call.upload:
                        return await answered(call, request)
                call.body = await read_body(request, form=rule.page is not None)
                return await answered(call, request)
            except Exception as error:
                if rule.page is None:
                    raise
                return back_to_page(rule.page, error, call.body)

        async def answered(call: Call, request: Request) -> Response:
            try:
                response = await handle(replayed(request, call.body))
            except Exception:
                await run_in_threadpool(call.end, None)
                raise
            if call.repeat is not None:
                await run_in_threadpool(call.end, response)
            return call.finish(response)

        return steps


def parameters_of(route: APIRoute) -> dict[str, bool]:
    """The names that the route knows in its query, and whether each may be given more than once."""
    found: dict[str, bool] = {}
    for field in route.dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= {
                each.alias or name: get_origin(each.annotation) is list for name, each in kind.model_fields.items()
            }
        else:
            found[field.alias] = get_origin(kind) is list
    return found


def current_call(request: Request) -> Call:
    return request.state.call


CallDep = Annotated[Call, Depends(current_call)]


def route(
    router: APIRouter,
    method: str,
    path: str,
    *,
    permission: str | None = None,
    action: str | None = None,
    status: int = 200,
    limit: Limit = PER_CREDENTIAL,
    public: bool = False,
    page: str | None = None,
    upload: bool = False,
    row: type[Row] | None = None,
    fails: tuple[int, ...] = (),
    tags: list[str | Enum] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Put a function behind the seven steps. It takes `call: CallDep` and gives the data, or a Page of it.

    `action` names the audit row ("KEY_CREATE"); every route that changes something has one. `row` is the table whose
    row it is about, `fails` what it answers with besides the statuses of the steps: 409, 502 and the like.
    """

    rule = Rule(
        permission=permission,
        action=action,
        limit=limit,
        public=public,
        page=page,
        upload=upload,
        row=row,
        status=status,
        fails=fails,
    )

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        data = get_type_hints(function)["return"]
        endpoint = _behind_steps(function, replace(rule, file=_is_file(data)))
        router.add_api_route(path, endpoint, methods=[method], tags=tags, **_described(rule, data))
        return function

    return decorate


def _behind_steps(function: Callable[P, R], rule: Rule) -> Callable[P, Any]:
    """The function between the steps that come right before and after it: 4, and 6 and 7."""

    @functools.wraps(function)
    def endpoint(*args: P.args, **kwargs: P.kwargs) -> Any:
        call = kwargs["call"]
        assert isinstance(call, Call)
        call.authorize()
        again = call.begin()
        return call.answer(function(*args, **kwargs)) if again is None else again

    setattr(endpoint, "rule", rule)  # noqa: B010  # as in StepRoute
    return endpoint


def _described(rule: Rule, data: Any) -> dict[str, Any]:
    """What FastAPI is told of a route that answers with `data`."""
    return {
        "status_code": rule.status,
        "response_model": _envelope(data),
        "responses": {"4XX": {"model": Failure}, "5XX": {"model": Failure}},
        "openapi_extra": ({} if rule.public else _SECURED) | (FILE_BODY if rule.upload else {}),
        "route_class_override": StepRoute,
        "include_in_schema": rule.page is None,
    }


def _is_file(data: Any) -> bool:
    return isinstance(data, type) and issubclass(data, Response)


def _envelope(data: Any) -> Any:
    if data is type(None) or data is None:
        return Envelope[None]
    if _is_file(data):
        return None
    if get_origin(data) is Page:
        return ListEnvelope[get_args(data)[0]]
    return Envelope[data]
