"""Set-up to paste: how an application calls its provider through the gateway, or sends its spans, in its own words.

The texts name no secret: each reads the access token from GUARDIAN_TOKEN, which the first of them sets.
"""

from dataclasses import dataclass

TOKEN_VARIABLE = "GUARDIAN_TOKEN"  # noqa: S105  # the name of a variable
_OPENAI, _ANTHROPIC, _GOOGLE = "gpt-5-mini", "claude-haiku-4-5", "gemini-2.5-flash"
_TAGS = "team=web,feature=search"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One text to paste. `name` is how the command line asks for it, `language` what it is written in."""

    name: str
    title: str
    language: str
    text: str


def snippets(gateway: str, web: str) -> tuple[Snippet, ...]:
    """All of them, for a gateway and a web process at these addresses (no slash at the end)."""
    return (
        Snippet("token", "Access token", "shell", f"export {TOKEN_VARIABLE}=gdn_…   # made in {web}/settings"),
        Snippet("curl", "curl", "shell", _curl(gateway)),
        Snippet("openai-python", "OpenAI SDK, Python", "python", _openai_python(gateway)),
        Snippet("openai-javascript", "OpenAI SDK, JavaScript", "javascript", _openai_javascript(gateway)),
        Snippet("anthropic-python", "Anthropic SDK, Python", "python", _anthropic_python(gateway)),
        Snippet("anthropic-javascript", "Anthropic SDK, JavaScript", "javascript", _anthropic_javascript(gateway)),
        Snippet("google-python", "Google Gen AI SDK, Python", "python", _google_python(gateway)),
        Snippet("google-javascript", "Google Gen AI SDK, JavaScript", "javascript", _google_javascript(gateway)),
        Snippet("claude-code", "Claude Code", "shell", _claude_code(gateway)),
        Snippet("litellm", "LiteLLM", "yaml", _litellm(gateway)),
        Snippet("langchain", "LangChain, Python", "python", _langchain(gateway)),
        Snippet("opentelemetry", "OpenTelemetry", "shell", _opentelemetry(web)),
        Snippet("events", "Events of your own", "shell", _events(web)),
    )


def _curl(gateway: str) -> str:
    return f"""curl {gateway}/openai/v1/chat/completions \\
  -H "Authorization: Bearer ${TOKEN_VARIABLE}" \\
  -H "Content-Type: application/json" \\
  -H "x-guardian-tags: {_TAGS}" \\
  -d '{{"model": "{_OPENAI}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""


def _openai_python(gateway: str) -> str:
    return f"""import os
from openai import OpenAI

client = OpenAI(
    base_url="{gateway}/openai/v1",
    api_key=os.environ["{TOKEN_VARIABLE}"],
    default_headers={{"x-guardian-tags": "{_TAGS}"}},
)
answer = client.chat.completions.create(
    model="{_OPENAI}", messages=[{{"role": "user", "content": "Hello"}}]
)
print(answer.choices[0].message.content)"""


def _openai_javascript(gateway: str) -> str:
    return f"""import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{gateway}/openai/v1",
  apiKey: process.env.{TOKEN_VARIABLE},
  defaultHeaders: {{ "x-guardian-tags": "{_TAGS}" }},
}});
const answer = await client.chat.completions.create({{
  model: "{_OPENAI}",
  messages: [{{ role: "user", content: "Hello" }}],
}});
console.log(answer.choices[0].message.content);"""


def _anthropic_python(gateway: str) -> str:
    return f"""import os
from anthropic import Anthropic

client = Anthropic(
    base_url="{gateway}/anthropic",
    api_key=os.environ["{TOKEN_VARIABLE}"],
    default_headers={{"x-guardian-tags": "{_TAGS}"}},
)
answer = client.messages.create(
    model="{_ANTHROPIC}", max_tokens=100, messages=[{{"role": "user", "content": "Hello"}}]
)
print(answer.content[0].text)"""


def _anthropic_javascript(gateway: str) -> str:
    return f"""import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({{
  baseURL: "{gateway}/anthropic",
  apiKey: process.env.{TOKEN_VARIABLE},
  defaultHeaders: {{ "x-guardian-tags": "{_TAGS}" }},
}});
const answer = await client.messages.create({{
  model: "{_ANTHROPIC}",
  max_tokens: 100,
  messages: [{{ role: "user", content: "Hello" }}],
}});
console.log(answer.content[0].text);"""


def _google_python(gateway: str) -> str:
    return f"""import os
from google import genai
from google.genai import types

client = genai.Client(
    api_key=os.environ["{TOKEN_VARIABLE}"],
    http_options=types.HttpOptions(
        base_url="{gateway}/google",
        headers={{"x-guardian-tags": "{_TAGS}"}},
    ),
)
answer = client.models.generate_content(model="{_GOOGLE}", contents="Hello")
print(answer.text)"""


def _google_javascript(gateway: str) -> str:
    return f"""import {{ GoogleGenAI }} from "@google/genai";

const client = new GoogleGenAI({{
  apiKey: process.env.{TOKEN_VARIABLE},
  httpOptions: {{
    baseUrl: "{gateway}/google",
    headers: {{ "x-guardian-tags": "{_TAGS}" }},
  }},
}});
const answer = await client.models.generateContent({{ model: "{_GOOGLE}", contents: "Hello" }});
console.log(answer.text);"""


def _claude_code(gateway: str) -> str:
    return f"""export ANTHROPIC_BASE_URL={gateway}/anthropic
export ANTHROPIC_AUTH_TOKEN="${TOKEN_VARIABLE}"
export ANTHROPIC_CUSTOM_HEADERS="x-guardian-tags: team=web,feature=coding"
claude"""


def _litellm(gateway: str) -> str:
    return f"""# config.yaml of the LiteLLM proxy; in its Python SDK the same names are api_base and api_key.
model_list:
  - model_name: {_OPENAI}
    litellm_params:
      model: openai/{_OPENAI}
      api_base: {gateway}/openai/v1
      api_key: os.environ/{TOKEN_VARIABLE}
  - model_name: {_ANTHROPIC}
    litellm_params:
      model: anthropic/{_ANTHROPIC}
      api_base: {gateway}/anthropic
      api_key: os.environ/{TOKEN_VARIABLE}"""


def _langchain(gateway: str) -> str:
    return f"""import os
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

token, tags = os.environ["{TOKEN_VARIABLE}"], {{"x-guardian-tags": "{_TAGS}"}}
gpt = ChatOpenAI(
    model="{_OPENAI}", base_url="{gateway}/openai/v1", api_key=token, default_headers=tags, stream_usage=True
)
claude = ChatAnthropic(
    model="{_ANTHROPIC}", base_url="{gateway}/anthropic", api_key=token, default_headers=tags
)
print(gpt.invoke("Hello").content, claude.invoke("Hello").content)"""


def _opentelemetry(web: str) -> str:
    return f"""# For calls that do not pass the gateway. The token needs the scope ingest.
export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={web}/api/v1/otlp/v1/traces
export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20${TOKEN_VARIABLE}\""""


def _events(web: str) -> str:
    return f"""# For calls that do not pass the gateway: up to 1,000 events at once. The token needs the scope ingest.
curl {web}/api/v1/usage \\
  -H "Authorization: Bearer ${TOKEN_VARIABLE}" \\
  -H "Content-Type: application/json" \\
  -d '[{{"eventId": "my-call-1", "timestamp": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'", "provider": "OPENAI",
        "model": "{_OPENAI}", "operation": "completion", "inputTokens": 1000, "outputTokens": 100,
        "tags": {{"team": "web", "feature": "search"}}}}]'"""
