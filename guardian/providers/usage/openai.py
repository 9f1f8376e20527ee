"""OpenAI's answers: chat completions, responses, embeddings, images, audio, moderations and realtime.

Cached and cache-written tokens are shares of the input, and reasoning is a share of the output: never added to them.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from guardian.providers.usage.fields import Fields
from guardian.providers.usage.stated import Settings, StatedUsage
from guardian.providers.usage.sums import check_sum, counts_of, fit, two_totals
from guardian.records import UsageCounts

# Tool calls are items of a response's output and not in its usage.
_CALLS = {
    "web_search_call": "web_search_requests",
    "file_search_call": "file_search_requests",
    "image_generation_call": "images",
}

Body = Mapping[str, Any]


def chat(body: Body, settings: Settings) -> StatedUsage | None:
    """A chat completion, or the last chunk of a stream that was asked for its usage."""
    del settings
    answer = Fields(body, "OpenAI's chat answer")
    usage = answer.child("usage")
    if not usage:
        return None
    counts = token_counts(usage, "prompt", "completion")
    for choice in answer.rows("choices"):
        cited = choice.child("message").rows("annotations")
        if cited and any(note.text("type") == "url_citation" for note in cited):
            answer.doubt("this answer cites web pages, but a chat completion does not count its billed searches")
    return stated(answer, counts)


def responses(body: Body, settings: Settings) -> StatedUsage | None:
    """A response, or the `response` object of a stream's last event; /decisions has the same shape."""
    del settings
    answer = Fields(body, "OpenAI's response")
    usage = answer.child("usage")
    if not usage:
        return None
    return stated(answer, token_counts(usage, "input", "output", tool_calls(answer)))


def embeddings(body: Body, settings: Settings) -> StatedUsage | None:
    """All of it is input."""
    del settings
    answer = Fields(body, "OpenAI's embeddings answer")
    usage = answer.child("usage")
    if not usage:
        return None
    found, _ = two_totals(usage, "prompt_tokens", "completion_tokens", output_needed=False)
    check_sum(usage, found)
    return stated(answer, UsageCounts(input_tokens=found))


def images(body: Body, settings: Settings) -> StatedUsage | None:
    """Tokens where the model counts them; an older model's answer is so many pictures.

    Where the output is not split, all of it is image tokens: so the API's own description of the field.
    """
    del settings
    answer = Fields(body, "OpenAI's images answer")
    usage = answer.child("usage")
    if not usage:
        made = len(answer.rows("data"))
        return stated(answer, UsageCounts(units={"images": Decimal(made)})) if made else None
    svg = answer.child("svg_usage") or usage.child("svg_usage")
    if svg:
        answer.doubt("svg_usage is billed for another model and is not in this cost")
    found, output = two_totals(usage, "input_tokens", "output_tokens")
    check_sum(usage, found + output)
    inputs = input_shares(usage.child("input_tokens_details"), found, pictures_differ=True)
    split = usage.child("output_tokens_details")
    drawn = fit(usage, output, "output_tokens", {"image_tokens": split.share("image_tokens") if split else output})
    return stated(answer, counts_of(found, output, inputs, {"image_output_tokens": drawn["image_tokens"]}))


def transcription(body: Body, settings: Settings) -> StatedUsage | None:
    """Tokens, or the seconds of the recording; text formats (text, srt, vtt) state nothing."""
    del settings
    answer = Fields(body, "OpenAI's transcription answer")
    usage = answer.child("usage")
    if not usage:
        return None
    if usage.has("seconds") and not usage.has("input_tokens"):
        return stated(answer, UsageCounts(units={"seconds": usage.quantity("seconds") or Decimal(0)}))
    found, output = two_totals(usage, "input_tokens", "output_tokens")
    check_sum(usage, found + output)
    heard = usage.child("input_token_details") or usage.child("input_tokens_details")
    return stated(answer, counts_of(found, output, input_shares(heard, found)))


def speech(body: Body, settings: Settings) -> StatedUsage | None:
    """The last event of a speech stream: text in, audio out. A binary answer states nothing."""
    del settings
    answer = Fields(body, "OpenAI's speech answer")
    usage = answer.child("usage")
    if not usage:
        return None
    found, output = two_totals(usage, "input_tokens", "output_tokens")
    check_sum(usage, found + output)
    return stated(answer, UsageCounts(input_tokens=found, output_tokens=output, audio_output_tokens=output))


def moderation(body: Body, settings: Settings) -> StatedUsage | None:
    """One request; moderations have no usage, and are free."""
    del settings
    return stated(Fields(body, "OpenAI's moderation answer"), UsageCounts())


def realtime(body: Body, settings: Settings) -> StatedUsage | None:
    """The event `response.done`, or its response. The Live API's seconds grow: only its last event counts."""
    del settings
    event = Fields(body, "OpenAI's realtime answer")
    answer = event if event.has("usage") else event.child("response")
    usage = answer.child("usage")
    if not usage:
        return None
    if usage.has("seconds") and not usage.has("input_tokens"):
        return stated(answer, UsageCounts(units={"seconds": usage.quantity("seconds") or Decimal(0)}))
    found, output = two_totals(usage, "input_tokens", "output_tokens")
    check_sum(usage, found + output)
    inputs = input_shares(usage.child("input_token_details"), found, pictures_differ=True)
    spoken = output_shares(usage.child("output_token_details"), output)
    return stated(answer, counts_of(found, output, inputs, spoken))


def stated(answer: Fields, counts: UsageCounts, cost: Decimal | None = None) -> StatedUsage:
    """The counts with what every answer of this dialect names."""
    return StatedUsage(
        counts=counts,
        model=answer.text("model"),
        response_id=answer.text("id"),
        service_tier=answer.text("service_tier"),
        provider_cost=cost,
        doubts=tuple(answer.doubts),
    )


def token_counts(usage: Fields, side_in: str, side_out: str, units: Mapping[str, Decimal] | None = None) -> UsageCounts:
    """Usage of the chat dialect (prompt, completion) or of the responses dialect (input, output)."""
    found, output = two_totals(usage, f"{side_in}_tokens", f"{side_out}_tokens")
    check_sum(usage, found + output)
    inputs = input_shares(usage.child(f"{side_in}_tokens_details"), found)
    outputs = output_shares(usage.child(f"{side_out}_tokens_details"), output)
    return counts_of(found, output, inputs, outputs, units=units)


def input_shares(details: Fields, total: int, *, pictures_differ: bool = False) -> dict[str, int]:
    """The shares of the input by their names in UsageCounts; none where all of it is plain text.

    The details count audio and image whether cached or not. What was cached of them is told apart
    (`cached_tokens_details`), or it is the excess of the shares over the total: then it can only be cached audio, then
    cached image. `pictures_differ` where a picture's tokens have a price of their own.
    """
    if details.is_zero:
        return {}
    lifetimes = details.child("cache_write_tokens_details")
    half_day = lifetimes.share("ttl_12h_tokens")
    half_hour = max(details.share("cache_write_tokens") - half_day, lifetimes.share("ttl_30m_tokens"))
    cached, audio, image = (
        fit(details, total, "the input", {name: details.share(name)})[name]
        for name in ("cached_tokens", "audio_tokens", "image_tokens")
    )
    split = details.child("cached_tokens_details")
    excess = max(0, cached + half_hour + half_day + audio + image - total)
    if split:
        cached_audio = min(split.share("audio_tokens"), audio, cached)
        cached_image = min(split.share("image_tokens"), image, cached - cached_audio)
    else:
        cached_audio = min(excess, audio, cached)
        cached_image = min(excess - cached_audio, image, cached - cached_audio)
        if cached and (audio or (pictures_differ and image)) and cached < total:
            details.doubt("the answer does not tell which of the cached tokens are text, audio or image")
    kept = fit(
        details,
        total - cached_audio - cached_image,
        "the input",
        {
            "cache_write_12h_tokens": half_day,
            "cache_write_30m_tokens": half_hour,
            "audio_input_tokens": audio - cached_audio,
            "image_input_tokens": image - cached_image,
            "cached_tokens": cached - cached_audio - cached_image,
        },
    )
    return {
        **{name: count for name, count in kept.items() if name != "cached_tokens"},
        "cache_read_tokens": kept["cached_tokens"] + cached_audio + cached_image,
        "cache_read_audio_tokens": cached_audio,
        "cache_read_image_tokens": cached_image,
    }


def output_shares(details: Fields, total: int) -> dict[str, int]:
    """Audio and image are apart from reasoning, which is text. None where all of it is plain text."""
    if details.is_zero:
        return {}
    return fit(
        details,
        total,
        "the output",
        {
            "audio_output_tokens": details.share("audio_tokens"),
            "image_output_tokens": details.share("image_tokens"),
            "reasoning_tokens": details.share("reasoning_tokens"),
        },
    )


def tool_calls(answer: Fields) -> dict[str, Decimal]:
    """Billed tool calls by unit. A code interpreter session is a container, however often it is called."""
    found: dict[str, int] = {}
    containers: set[str] = set()
    for item in answer.rows("output"):
        kind = item.text("type") or ""
        if kind in _CALLS:
            found[_CALLS[kind]] = found.get(_CALLS[kind], 0) + 1
        elif kind == "code_interpreter_call":
            containers.add(item.text("container_id") or item.text("id") or "")
    if containers:
        found["code_interpreter_sessions"] = len(containers)
    return {unit: Decimal(number) for unit, number in found.items()}
