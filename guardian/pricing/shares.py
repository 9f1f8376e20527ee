"""The disjoint parts of a record's tokens, and which prices may hold for each."""

from typing import NamedTuple


class Share(NamedTuple):
    """A disjoint part of a record's tokens, and the prices that may hold for it, the most specific first.

    A price beyond the first `sure` ones is a guess: providers are known to have another price for this share.
    """

    unit: str
    prices: tuple[str, ...]
    sure: int


SHARES = (
    Share("uncached_input_tokens", ("input_tokens",), 1),
    Share("cache_read_tokens", ("cache_read_tokens", "input_tokens"), 2),
    Share("cache_write_5m_tokens", ("cache_write_5m_tokens", "cache_write_tokens", "input_tokens"), 3),
    # OpenAI's cache write price is that of the 30 minute cache; the 12 hour cache costs more, but no catalog says what.
    Share("cache_write_30m_tokens", ("cache_write_30m_tokens", "cache_write_tokens", "input_tokens"), 3),
    Share("cache_write_1h_tokens", ("cache_write_1h_tokens", "cache_write_tokens", "input_tokens"), 1),
    Share("cache_write_12h_tokens", ("cache_write_12h_tokens", "cache_write_tokens", "input_tokens"), 1),
    Share("audio_input_tokens", ("audio_input_tokens", "input_tokens"), 1),
    # Chat models bill the tokens of a picture like text; only models that make pictures have a price of their own.
    Share("image_input_tokens", ("image_input_tokens", "input_tokens"), 2),
    Share(
        "cache_read_audio_tokens",
        ("cache_read_audio_tokens", "audio_input_tokens", "cache_read_tokens", "input_tokens"),
        2,
    ),
    Share(
        "cache_read_image_tokens",
        ("cache_read_image_tokens", "image_input_tokens", "cache_read_tokens", "input_tokens"),
        4,
    ),
    Share("output_tokens", ("output_tokens",), 1),
    Share("reasoning_tokens", ("reasoning_tokens",), 1),
    Share("audio_output_tokens", ("audio_output_tokens", "output_tokens"), 1),
    Share("image_output_tokens", ("image_output_tokens", "output_tokens"), 2),
    Share("video_input_tokens", ("video_input_tokens", "input_tokens"), 2),
    Share("video_output_tokens", ("video_output_tokens", "output_tokens"), 1),
    Share("seconds", ("seconds", "audio_seconds"), 2),
)
