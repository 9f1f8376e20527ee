"""JSON of an answer to what read_usage reads of it: the rest (texts, vectors, pictures) is skipped, not built.

A megabyte of embeddings costs some 2 ms so, and 30 times that when each of its numbers becomes a Decimal. An answer of
another shape than these types say is built whole: nothing is lost by being lazy.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict, cast

import msgspec

_BOM = b"\xef\xbb\xbf"


class _Item(TypedDict, total=False):
    type: Any
    id: Any
    container_id: Any


class _Message(TypedDict, total=False):
    annotations: Any


class _Choice(TypedDict, total=False):
    usage: Any
    message: _Message | None
    finish_reason: Any


class _Candidate(TypedDict, total=False):
    groundingMetadata: Any
    finishReason: Any


class _Vectors(TypedDict, total=False):
    statistics: Any


class _Prediction(TypedDict, total=False):
    bytesBase64Encoded: Any
    gcsUri: Any
    embeddings: _Vectors | None


class _Made(TypedDict, total=False):
    """A picture, or a vector: only their number is read."""


class _Names(TypedDict, total=False):
    id: Any
    model: Any
    service_tier: Any
    status: Any
    error: Any
    type: Any
    code: Any
    object: Any
    usage: Any
    svg_usage: Any
    usage_info: Any
    usageMetadata: Any
    modelVersion: Any
    responseId: Any
    promptFeedback: Any
    x_groq: Any
    eval_count: Any
    prompt_eval_count: Any
    done: Any
    video: Any
    choices: list[_Choice | None] | None
    output: list[_Item | None] | None
    data: list[_Made | None] | None
    candidates: list[_Candidate | None] | None
    predictions: list[_Prediction | None] | None


class _Answer(_Names, total=False):
    response: Any  # of a video: what was made


class _Wrapping(_Names, total=False):
    message: _Names | None
    response: _Names | None
    interaction: _Names | None


_answer = msgspec.json.Decoder(_Answer, float_hook=Decimal)
_event = msgspec.json.Decoder(_Wrapping, float_hook=Decimal)
_whole = msgspec.json.Decoder(float_hook=Decimal)


def answer_of(body: bytes, *, whole: bool = False) -> dict[str, Any] | None:
    """The object of an answer; `whole` with all of its fields. None for what is no JSON object."""
    return _decoded(_answer, body, whole)


def event_of(data: bytes, *, whole: bool = False) -> dict[str, Any] | None:
    """The object of a stream's event; None for what is no JSON object."""
    return _decoded(_event, data, whole)


def _decoded(decoder: msgspec.json.Decoder[Any], text: bytes, whole: bool) -> dict[str, Any] | None:
    if not whole:
        try:
            return decoder.decode(text)
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
            pass  # another shape
    found = _any(text)
    # Google answers an error to a stream in an array.
    if isinstance(found, list) and len(cast("list[object]", found)) == 1:
        found = cast("list[object]", found)[0]
    return dict(cast("Mapping[str, Any]", found)) if isinstance(found, Mapping) else None


def _any(text: bytes) -> object:
    try:
        return _whole.decode(text)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        pass
    try:
        # Takes what msgspec does not: a byte order mark, halves of surrogate pairs, NaN.
        return json.loads(text.removeprefix(_BOM), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None
