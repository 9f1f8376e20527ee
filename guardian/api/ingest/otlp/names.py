"""The attributes that state usage, by their exact names: OpenTelemetry, OpenInference, OpenLLMetry, Langfuse, Logfire.

Of several names for one count the first that is there holds; they are never added up. A name that is not here counts
nothing: double counts come from guessing (langfuse/langfuse#14725).

Whether the input includes what was read from and written to the cache, by source:
- OpenTelemetry's gen_ai.usage.input_tokens: it does, by its text. OpenInference's llm.token_count.prompt: it does.
  OpenLLMetry: it adds up Anthropic's three counts itself. Pydantic AI and Logfire: it does.
- Strands Agents passes on Anthropic's and Bedrock's own count, which does not.
- Langfuse's usage_details are shares side by side, unless their total says that the input holds the others.
- Whoever states more cached than input left it out too, whatever their convention says: the counts are repaired and the
  cost is an estimate.
"""

INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens")
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "llm.token_count.prompt_details.cache_read",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
AUDIO_INPUT = ("llm.token_count.prompt_details.audio",)
AUDIO_OUTPUT = ("llm.token_count.completion_details.audio",)
DETAILS = "langfuse.observation.usage_details"
# Within Langfuse's usage_details.
DETAIL_READ = ("cache_read_input_tokens", "input_cached_tokens", "input_cache_read")
DETAIL_WRITE = ("cache_creation_input_tokens", "input_cache_creation")
DETAIL_REASONING = ("output_reasoning_tokens", "output_reasoning")

# Nobody says whether these are the vendor's words, except where the vendor itself sends the span.
COST = ("gen_ai.usage.cost", "llm.cost.total")
COST_DETAILS = "langfuse.observation.cost_details"

PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
MODEL = (
    *("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "langfuse.observation.model.name"),
    *("llm.response.model", "llm.request.model"),
)
OPERATION = ("gen_ai.operation.name", "llm.request.type", "openinference.span.kind", "langfuse.observation.type")
TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
ERROR = ("error.type",)
SESSION = (
    *("session.id", "langfuse.session.id", "gen_ai.conversation.id"),
    "traceloop.association.properties.session_id",
)
USER = ("user.id", "langfuse.user.id", "enduser.id", "traceloop.association.properties.user_id")
# A tag of ours, and what it is read from: the span's word before its resource's.
TAGS = {
    "service": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment", "langfuse.environment"),
    "team": ("team", "guardian.team"),
    "feature": ("feature", "guardian.feature"),
}
KIND = ("openinference.span.kind", "traceloop.span.kind", "langfuse.observation.type", "gen_ai.operation.name")
# Spans around others, which repeat what the calls within them used.
AROUND = frozenset(
    {
        *("invoke_agent", "create_agent", "invoke_workflow", "execute_tool", "agent", "chain", "workflow", "task"),
        *("tool", "span", "event", "retriever", "evaluator", "guardrail", "retrieval"),
    }
)
OPERATIONS = {"text_completion": "completion", "completion": "completion", "embeddings": "embedding"}
CHATS = frozenset({"chat", "generate_content", "llm", "generation", "unknown", ""})
WITHOUT_CACHED = ("strands",)
"""How the names of instrumentations begin whose input leaves out what was cached."""

USAGE = frozenset(
    {*INPUT, *OUTPUT, *CACHE_READ, *CACHE_WRITE, *REASONING, *AUDIO_INPUT, *AUDIO_OUTPUT, DETAILS, *COST, COST_DETAILS}
)
ALL = USAGE | {
    *(*PROVIDER, *MODEL, *OPERATION, *TIER, *ERROR, *SESSION, *USER, *KIND),
    *(name for names in TAGS.values() for name in names),
}
