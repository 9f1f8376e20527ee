"""The few fields of a request that the gateway needs: model, stream, most output, the input's likely size, who asks."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypedDict, cast

import msgspec

from guardian.errors import ValidationError
from guardian.gateway.bodies.forms import Form
from guardian.gateway.bodies.tools import Billed, Tool, billed_tools
from guardian.gateway.paths import Asked
from guardian.models.enums import Provider

# A file within the JSON (picture, sound, document) as base64. The look-behind keeps the search linear.
_FILE = re.compile(rb"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{1024,}")
# What such a file counts in the estimate: Anthropic's largest picture has some 1,600 tokens, OpenAI's 1,445.
TOKENS_A_FILE = 1_600
_BYTES_A_TOKEN = 4
_SMALL = 4_096  # in a body of fewer bytes no file is looked for
_MOST_TOKENS = 10**9
_LONGEST_COUNT = 18  # digits
_SEVERAL = frozenset({"n", "best_of", "prompt"})  # what asks for more than one answer, besides Google's settings
_NOTHING: Mapping[str, Any] = MappingProxyType({})
# Whose streams state their usage only when they are asked to; the path's flavour says that it is the OpenAI dialect.
# Perplexity's always do. xAI's do too, by its documentation, and it is asked all the same: see must_ask.
_LONGEST_TERM = 40
_ASKED = frozenset({Provider.OPENAI, Provider.ANTHROPIC, Provider.GOOGLE, Provider.XAI, Provider.CUSTOM})


class Terms(NamedTuple):
    """How it is to be processed, in the words of the request; "" is as usual."""

    service_tier: str = ""
    speed: str = ""
    inference_geo: str = ""


STANDARD_TERMS = Terms()


class Wanted(NamedTuple):
    """What a request asks for; what it does not say is None, "" or empty.

    `most_output_tokens` is for each of the `answers`, to all of its prompts. `input_estimate` is in tokens: the body's
    bytes by four, and 1,600 for each file in it. `asks_for_usage`: the caller's own stream_options.include_usage.
    `terms` are the wishes that the price may depend on, `tools` those that are billed by the call. `characters` of the
    text to be spoken. `user` and `tags` are as the body gives them, unchecked (attribution.py).
    """

    model: str = ""
    stream: bool = False
    most_output_tokens: int | None = None
    answers: int = 1
    input_estimate: int = 0
    asks_for_usage: bool = False
    background: bool = False
    characters: int | None = None
    user: str | None = None
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = _NOTHING
    terms: Terms = STANDARD_TERMS
    tools: tuple[Billed, ...] = ()


class _Options(TypedDict, total=False):
    include_usage: Any


class _Generation(TypedDict, total=False):
    maxOutputTokens: Any
    max_output_tokens: Any
    candidateCount: Any
    candidate_count: Any


class _Metadata(TypedDict, total=False):
    tags: Any
    user_id: Any


class _Body(TypedDict, total=False):
    model: Any
    stream: Any
    stream_options: _Options | None
    max_tokens: Any
    max_completion_tokens: Any
    max_output_tokens: Any
    n: Any
    best_of: Any
    prompt: Any
    background: Any
    user: Any
    metadata: _Metadata | None
    generationConfig: _Generation | None
    generation_config: _Generation | None
    service_tier: Any
    speed: Any
    inference_geo: Any
    tools: list[Tool] | None
    max_tool_calls: Any
    web_search_options: dict[str, Any] | None


class _Spoken(TypedDict, total=False):
    input: str


_decoder = msgspec.json.Decoder(_Body)
_spoken = msgspec.json.Decoder(_Spoken)


def wanted_of(asked: Asked, body: bytes) -> Wanted:
    """Of a JSON body. Raises ValidationError for what is no JSON object; a field of a wrong type counts as absent."""
    found = _decoded(body)
    options = _object(found.get("stream_options"))
    generation = _object(found.get("generationConfig")) or _object(found.get("generation_config"))
    metadata = _object(found.get("metadata"))
    tags: object = metadata.get("tags")
    model: object = found.get("model")
    return Wanted(
        model=asked.model or (model if isinstance(model, str) else ""),
        stream=asked.streamed or found.get("stream") is True,
        most_output_tokens=_most_output(found, generation),
        answers=_answers(found, generation),
        input_estimate=_estimate(body),
        asks_for_usage=options.get("include_usage") is True,
        background=found.get("background") is True,
        characters=_characters(asked, body),
        user=_text(found.get("user")) or _text(metadata.get("user_id")),
        tags=tuple(tag for tag in cast("list[object]", tags) if isinstance(tag, str)) if isinstance(tags, list) else (),
        terms=_terms(found),
        tools=_tools(found) if "tools" in found or "web_search_options" in found else (),
    )


def _terms(found: Mapping[str, Any]) -> Terms:
    if "service_tier" not in found and "speed" not in found and "inference_geo" not in found:
        return STANDARD_TERMS
    said = (found.get("service_tier"), found.get("speed"), found.get("inference_geo"))
    return Terms(*(each[:_LONGEST_TERM] if isinstance(each, str) else "" for each in said))


def _tools(found: Mapping[str, Any]) -> tuple[Billed, ...]:
    searches = found.get("web_search_options") is not None
    return billed_tools(found.get("tools"), found.get("max_tool_calls"), searches=searches)


def wanted_of_form(asked: Asked, form: Form) -> Wanted:
    """Of an upload's fields, as far as they were read."""
    fields = form.fields
    return Wanted(
        model=asked.model or fields.get("model", ""),
        stream=fields.get("stream", "").lower() == "true",
        input_estimate=_estimate("".join(fields.values()).encode()) + TOKENS_A_FILE * max(form.files, 1),
        user=fields.get("user"),
        fields=fields,
    )


def must_ask(asked: Asked, wanted: Wanted, *, server_takes_it: bool) -> bool:
    """Whether the stream's usage has to be asked for, because the caller did not.

    `server_takes_it` is the key's own word (Outgoing.asks_for_usage): a server that is strict, or that does not know
    stream_options, gets the caller's bytes.
    """
    endpoint = asked.endpoint
    return (
        wanted.stream
        and not wanted.asks_for_usage
        and server_takes_it
        and endpoint is not None
        and endpoint.flavour == "chat"
        and asked.provider in _ASKED
        # xAI's deferred completions and other answers to a GET have no body to ask in.
        and asked.polled is None
    )


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # another shape, or not JSON
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise ValidationError("The request's body is not valid JSON. Send it uncompressed.") from None
    if not isinstance(found, Mapping):
        raise ValidationError("The request's body is not a JSON object.")
    return cast("Mapping[str, Any]", found)


def _most_output(found: Mapping[str, Any], generation: Mapping[str, Any]) -> int | None:
    """The greatest of the limits: some vendors take one name, some the other, and none states which it took."""
    limits = [_count(found.get(name)) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    limits += [_count(generation.get(name)) for name in ("maxOutputTokens", "max_output_tokens")]
    return max((limit for limit in limits if limit is not None), default=None)


def _answers(found: Mapping[str, Any], generation: Mapping[str, Any]) -> int:
    """How many the model writes, and so how many are billed: best_of of them to find the best, and to each prompt."""
    if not generation and _SEVERAL.isdisjoint(found):
        return 1
    counts = [_count(found.get("n")), _count(found.get("best_of"))]
    counts += [_count(generation.get(name)) for name in ("candidateCount", "candidate_count")]
    prompt: object = found.get("prompt")
    prompts = cast("list[object]", prompt) if isinstance(prompt, list) else []
    one = not prompts or isinstance(prompts[0], int)  # a list of numbers are the tokens of one
    return min(max(count or 1 for count in counts) * (1 if one else len(prompts)), _MOST_TOKENS)


def _estimate(body: bytes) -> int:
    size = len(body)
    if size < _SMALL:
        return -(-size // _BYTES_A_TOKEN)
    files = [len(found) for found in _FILE.findall(body)]
    return -(-(size - sum(files)) // _BYTES_A_TOKEN) + TOKENS_A_FILE * len(files)


def _characters(asked: Asked, body: bytes) -> int | None:
    if asked.endpoint is None or asked.endpoint.flavour != "speech":
        return None
    try:
        return len(_spoken.decode(body).get("input", ""))
    except (msgspec.MsgspecError, ValueError):
        return None


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else _NOTHING


def _count(value: object) -> int | None:
    """A number as text is one to Google (its JSON of protocol buffers) and to servers that read generously."""
    if value is None:
        return None
    if isinstance(value, str) and (digits := value.strip()).isdecimal() and len(digits) <= _LONGEST_COUNT:
        value = int(digits)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        return None
    return min(value, _MOST_TOKENS)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
