"""OpenAI's embeddings, pictures and sounds priced, each amount worked out in the comment above it.

µ are millionths of a dollar: so many tokens times the price per million of developers.openai.com/api/docs/pricing.
"""

from typing import Any

import pytest

from guardian.models.enums import Provider
from tests.unit.pricing.by_hand.make import Body, Case, assert_as_by_hand, case, chat


def at(body: Body, amount: str | None, *facts: Any, flavour: str = "chat", **more: Any) -> Any:
    return case(Provider.OPENAI, flavour, body, amount, *facts, **more)


def image(model: str, text: int, pictures: int, output: int) -> dict[str, Any]:
    usage = {
        "input_tokens": text + pictures,
        "input_tokens_details": {"text_tokens": text, "image_tokens": pictures},
        "output_tokens": output,
        "total_tokens": text + pictures + output,
    }
    return {"model": model, "usage": usage}


def heard(model: str, audio: int, text: int, output: int) -> dict[str, Any]:
    usage = {
        "type": "tokens",
        "input_tokens": audio + text,
        "input_token_details": {"text_tokens": text, "audio_tokens": audio},
        "output_tokens": output,
        "total_tokens": audio + text + output,
    }
    return {"model": model, "usage": usage}


def spoken(model: str, details: Body, output: Body) -> dict[str, Any]:
    total_in, total_out = details["text_tokens"] + details["audio_tokens"], sum(output.values())
    total_in += details.get("image_tokens", 0)
    usage = {
        "input_tokens": total_in,
        "output_tokens": total_out,
        "total_tokens": total_in + total_out,
        "input_token_details": details,
        "output_token_details": output,
    }
    return {"type": "response.done", "response": {"id": "r", "model": model, "usage": usage}}


MEDIA = [
    # 10×0.02 µ
    at({"model": "text-embedding-3-small", "usage": {"prompt_tokens": 10}}, "0.0000002", flavour="embeddings"),
    # 1000×0.13 µ
    at({"model": "text-embedding-3-large", "usage": {"prompt_tokens": 1000}}, "0.00013", flavour="embeddings"),
    # 1000×0.1 µ
    at({"model": "text-embedding-ada-002", "usage": {"prompt_tokens": 1000}}, "0.0001", flavour="embeddings"),
    # 10×5 + 40×8 + 1000×32 µ
    at(image("gpt-image-1.5", 10, 40, 1000), "0.03237", flavour="images"),
    # 10×5 + 40×10 + 50×40 µ
    at(image("gpt-image-1", 10, 40, 50), "0.00245", flavour="images"),
    # 100×5 + 1000×30 µ
    at(image("gpt-image-2", 100, 0, 1000), "0.0305", flavour="images"),
    # a price per picture, by its size and quality, is in no list
    at({"model": "dall-e-3", "data": [{"url": "u"}, {"url": "v"}]}, None, flavour="images"),
    # 14×6 + 45×10 µ
    at(heard("gpt-4o-transcribe", 14, 0, 45), "0.000534", flavour="transcription"),
    # 1000×3 + 10×1.25 + 50×5 µ
    at(heard("gpt-4o-mini-transcribe", 1000, 10, 50), "0.0032625", flavour="transcription"),
    # 12 s at $0.36 an hour: $12×0.0001
    at({"model": "whisper-1", "usage": {"type": "duration", "seconds": 12}}, "0.0012", flavour="transcription"),
    # 20 s at $0.27 an hour: $20×0.000075
    at({"model": "gpt-transcribe", "usage": {"type": "duration", "seconds": 20}}, "0.0015", flavour="transcription"),
    # 14×0.6 + 101×12 µ
    at(
        {"model": "gpt-4o-mini-tts", "usage": {"input_tokens": 14, "output_tokens": 101}}, "0.0012204", flavour="speech"
    ),
    # 300×2.5 + 700×32 + 50×10 + 150×64 µ
    at(chat("gpt-audio", 1000, 200, audio_tokens=700, out={"audio_tokens": 150}), "0.03325"),
    # text 59×4 + 60×0.4 µ, audio 9×32 + 4×0.4 µ, out 30×16 + 91×64 µ
    at(
        spoken(
            "gpt-realtime",
            {
                "text_tokens": 119,
                "audio_tokens": 13,
                "cached_tokens": 64,
                "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4},
            },
            {"text_tokens": 30, "audio_tokens": 91},
        ),
        "0.0068536",
        flavour="realtime",
    ),
    # 100×4 + 100×5 + 10×16 µ
    at(
        spoken("gpt-realtime", {"text_tokens": 100, "audio_tokens": 0, "image_tokens": 100}, {"text_tokens": 10}),
        "0.00106",
        flavour="realtime",
    ),
    # moderations are free
    at({"model": "omni-moderation-latest", "results": []}, "0", flavour="moderation"),
]


@pytest.mark.parametrize("made", MEDIA)
def test_openais_media_cost_what_they_cost_by_hand(made: Case) -> None:
    assert_as_by_hand(made)
