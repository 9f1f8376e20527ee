"""What a form asks for a CUSTOM key: the address, how the server wants to be asked, and how to read its answers."""

from guardian.providers.describing import NO, PAID_TEST, YES, KeyField, KeyKind

PLAIN, OPENROUTER, DEEPSEEK = "plain", "openrouter", "deepseek"
BEARER, HEADER, NONE = "bearer", "header", "none"
ALWAYS = "always"
UNITS = (("usd", "Dollars"), ("cents", "Cents"), ("ticks", "Ticks of 1e-10 dollars"))
INSIDE, OUTSIDE = "inside", "outside"

KEY_KINDS = (
    KeyKind(
        "inference",
        "API key",
        "The key of any server that speaks OpenAI's API, for the gateway; servers without keys need none.",
    ),
    KeyKind(
        "admin",
        "Management key (OpenRouter only)",
        "A management key of OpenRouter, which reads what the account used and spent.",
        "https://openrouter.ai/settings/management-keys",
        "OpenRouter, Settings, Management keys",
    ),
)
NO_REPORTING = (
    "Servers of this kind report no usage: send the calls through the gateway, or their usage to the ingest API. Only "
    "OpenRouter reports it, to its management keys."
)
NO_DEEPSEEK_REPORTING = (
    "DeepSeek tells the balance, but reports no usage: send the calls through the gateway, or their usage to the "
    "ingest API."
)

KEY_FIELDS = (
    KeyField(
        "preset",
        "Service",
        "What the server is. OpenRouter and DeepSeek also tell their balance.",
        choices=((PLAIN, "OpenAI-compatible server"), (OPENROUTER, "OpenRouter"), (DEEPSEEK, "DeepSeek")),
    ),
    KeyField(
        "baseUrl",
        "Base URL",
        "Where the API is; without a path, /v1 is added. OpenRouter and DeepSeek need none.",
        example="https://llm.example.com/v1",
    ),
    KeyField(
        "authScheme",
        "Authentication",
        "How the key is sent.",
        choices=((BEARER, "Authorization: Bearer"), (HEADER, "A header of its own"), (NONE, "No key")),
    ),
    KeyField("authHeader", "Name of that header", "For a key in a header of its own.", example="api-key"),
    KeyField(
        "headers",
        "Further headers",
        "One a line, sent with each call. Everybody in the organization can read them.",
        example="X-Team: search",
        lines=True,
        advanced=True,
    ),
    KeyField(
        "secretHeaders",
        "Secret headers",
        "One a line, sealed with the key: nobody can read them again.",
        secret=True,
        example="X-Gateway-Token: …",
        lines=True,
        advanced=True,
    ),
    KeyField("query", "Query parameters", "Sent with each call.", example="api-version=2024-10-21", advanced=True),
    KeyField("modelsPath", "Path of the models", "What a test asks for.", example="/models", advanced=True),
    PAID_TEST._replace(advanced=True),
    KeyField("testModel", "Model of the paid test", "It is asked for one token.", example="llama-3", advanced=True),
    KeyField(
        "includeUsage",
        "Usage in streams",
        "Whether the server understands stream_options.include_usage.",
        choices=((YES, "Has to be asked for"), (ALWAYS, "Always sent"), (NO, "Not known to the server")),
        advanced=True,
    ),
    KeyField(
        "strict",
        "Unknown fields",
        "A server that refuses fields which it does not know is sent the caller's own only.",
        choices=((NO, "Ignored by the server"), (YES, "Refused by the server")),
        advanced=True,
    ),
    KeyField(
        "usage.cost",
        "Field of the cost",
        "Where an answer states what it cost; without it the usual places are looked at.",
        example="usage.cost",
        advanced=True,
    ),
    KeyField("usage.costUnit", "Unit of the cost", "What that field counts.", choices=UNITS, advanced=True),
    KeyField(
        "usage.cached",
        "Field of the cached tokens",
        "Where an answer states them, if not in the usual places.",
        example="usage.prompt_cache_hit_tokens",
        advanced=True,
    ),
    KeyField(
        "usage.reasoning",
        "Reasoning tokens",
        "Whether completion tokens hold them.",
        choices=(("", "Found out from the total"), (INSIDE, "Inside of them"), (OUTSIDE, "Beside them")),
        advanced=True,
    ),
    KeyField(
        "prices",
        "Prices",
        "What the server charges, one model or pattern a line, in dollars per million tokens.",
        example="llama-3* input 0.2 output 0.6 cached 0.02",
        lines=True,
        advanced=True,
    ),
    KeyField(
        "catalog",
        "List prices of",
        "The service whose list prices hold for all other models, by its name in the price catalog.",
        example="mistral",
        advanced=True,
    ),
    KeyField(
        "account",
        "Account",
        "Keys of one server and account share their books. Name it where you have several accounts.",
        example="research",
        advanced=True,
    ),
    KeyField(
        "tlsVerify",
        "Certificate",
        "Leave it unchecked only on a network that you trust.",
        choices=((YES, "Checked"), (NO, "Not checked")),
        advanced=True,
    ),
    KeyField("timeout", "Timeout", "Seconds, from 1 to 600.", example="30", advanced=True),
)
