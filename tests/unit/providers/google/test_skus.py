"""SKU texts of Google's bills, as they are written: what each one is about."""

import pytest

from guardian.providers.google.skus import Sku, read_sku


def tokens(model: str, kind: str, tier: str | None = None, **dimensions: str) -> Sku:
    return Sku(model=model, token_type=f"{kind}_tokens", cost_type="tokens", tier=tier, dimensions=dimensions)


TEXTS: dict[str, Sku] = {
    # Gemini API
    "Generate content input token count gemini 2.5 flash short input text": tokens(
        "gemini-2.5-flash", "input", context="short"
    ),
    # The side that is named first is counted; the second one tells the length of the request.
    "Generate content output token count gemini 2.5 flash short input text": tokens(
        "gemini-2.5-flash", "output", context="short"
    ),
    "Generate content output token count gemini 2.5 flash lite short output text non-thinking": tokens(
        "gemini-2.5-flash-lite", "output", context="short"
    ),
    "Generate content input token count Gemini 2.5 Pro long input text": tokens(
        "gemini-2.5-pro", "input", context="long"
    ),
    "Generate content cached input token count gemini 2.5 pro short input": tokens(
        "gemini-2.5-pro", "cached_input", context="short"
    ),
    "Generate content input token count gemini 2.5 flash input audio": tokens("gemini-2.5-flash", "audio_input"),
    "Generate content cached input token count gemini 2.5 flash input image": tokens(
        "gemini-2.5-flash", "cached_image_input"
    ),
    "Generate content input token count gemini 3.1 flash lite preview text": tokens(
        "gemini-3.1-flash-lite-preview", "input"
    ),
    "Generate content output token count gemini 3.5 flash text": tokens("gemini-3.5-flash", "output"),
    "Generate_content text cached input token count for gemini 3 pro short": tokens(
        "gemini-3-pro", "cached_input", context="short"
    ),
    "Generate_content cached text input token count for gemini 3 flash": tokens("gemini-3-flash", "cached_input"),
    "GenerateContent image input token count for Gemini 2.0 Flash": tokens("gemini-2.0-flash", "image_input"),
    "Generate content input token count gemini 3.7 flash image flex caching": tokens(
        "gemini-3.7-flash", "cached_image_input", tier="flex"
    ),
    "EmbedContent input token count for gemini-embedding-001": tokens("gemini-embedding-001", "input"),
    "EmbedContent input token count for gemini-embedding-2 text": tokens("gemini-embedding-2", "input"),
    # Vertex AI
    "Gemini 3.8 Flash Global Text Input - Predictions": tokens("gemini-3.8-flash", "input"),
    "Gemini 3.8 Flash Global Text Input Priority - Predictions": tokens("gemini-3.8-flash", "input", tier="priority"),
    "Gemini 2.5 Flash GA Thinking Text Output - Predictions": tokens("gemini-2.5-flash", "output"),
    "Gemini 2.5 Flash GA Audio Input (Long) - Predictions": tokens("gemini-2.5-flash", "audio_input", context="long"),
    "Gemini 3.0 Pro Text Input Caching": tokens("gemini-3-pro", "cached_input"),
    " Gemini 2.5 Flash GA Input Text Caching (Long)": tokens("gemini-2.5-flash", "cached_input", context="long"),
    "Gemini 2.5 Pro Text Output Batch - Predictions": tokens("gemini-2.5-pro", "output", tier="batch"),
    "Gemini 3.1 Flash Image Image Output - Predictions": tokens("gemini-3.1-flash-image", "image_output"),
    "Gemini 2.5 Flash Image Input - Predictions": tokens("gemini-2.5-flash", "image_input"),
    # What is no token, or says too little, stays a line of its own text.
    "Gemini 2.5 Flash Text Input Caching Storage": Sku(model="gemini-2.5-flash"),
    "Grounding with Google Search": Sku(cost_type="web_search"),
    "Gemini 3 Grounding with Google Search - Search Queries": Sku(model="gemini-3", cost_type="web_search"),
    "Imagen 4 Ultra Generation": Sku(),
    "Online prediction input nodes": Sku(),
    "": Sku(),
}


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_text_tells(text: str) -> None:
    assert read_sku(text) == TEXTS[text]
