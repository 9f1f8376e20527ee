"""Which paths of each vendor are metered: the flavour of their answers, the ledger's word for them, and the dialect.

Sources: the vendors' API references of November 2026. A path that is not here is forwarded and leaves no row: lists,
files, batches (billed by their output), token counting (free), Google's pictures in OpenAI's dialect (state nothing).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from guardian.gateway.dialects import Dialect
from guardian.models.enums import Provider
from guardian.providers.inference import Endpoint

_CHAT = Endpoint("chat")
_RESPONSES = Endpoint("responses")
_MESSAGES = Endpoint("messages", "message")
_EMBEDDINGS = Endpoint("embeddings", "embedding")
_IMAGES = Endpoint("images", "image")
_INTERACTIONS = Endpoint("interactions", "interaction")
_CONTENT = Endpoint("generate_content", "generate_content")
_EMBED_CONTENT = Endpoint("embed_content", "embedding")

# POST below the base URL, in lower case.
_POSTS: Mapping[Provider, Mapping[str, Endpoint]] = {
    Provider.OPENAI: {
        "/chat/completions": _CHAT,
        "/completions": _CHAT,
        "/responses": _RESPONSES,
        "/responses/compact": _RESPONSES,
        "/decisions": Endpoint("responses", "decision"),
        "/embeddings": _EMBEDDINGS,
        "/images/generations": _IMAGES,
        "/images/edits": _IMAGES,
        "/images/variations": _IMAGES,
        "/audio/transcriptions": Endpoint("transcription", "transcription"),
        "/audio/translations": Endpoint("transcription", "translation"),
        "/audio/speech": Endpoint("speech", "speech"),
        "/moderations": Endpoint("moderation", "moderation"),
    },
    Provider.ANTHROPIC: {"/v1/messages": _MESSAGES, "/v1/chat/completions": _CHAT},
    Provider.GOOGLE: {
        "/interactions": _INTERACTIONS,
        "/openai/chat/completions": _CHAT,
        "/openai/embeddings": _EMBEDDINGS,
    },
    Provider.XAI: {
        "/chat/completions": _CHAT,
        "/completions": _CHAT,
        "/responses": _RESPONSES,
        "/messages": _MESSAGES,
        "/embeddings": _EMBEDDINGS,
        "/images/generations": _IMAGES,
        "/images/edits": _IMAGES,
    },
    Provider.PERPLEXITY: {
        "/responses": _RESPONSES,
        "/agent": _RESPONSES,
        "/decisions": Endpoint("responses", "decision"),
        "/embeddings": _EMBEDDINGS,
        "/contextualizedembeddings": _EMBEDDINGS,
        "/search": Endpoint("search", "web_search"),
        "/chat/completions": Endpoint("sonar"),
    },
    Provider.CUSTOM: {
        "/chat/completions": _CHAT,
        "/completions": _CHAT,
        "/responses": _RESPONSES,
        "/messages": _MESSAGES,
        "/embeddings": _EMBEDDINGS,
        "/api/chat": Endpoint("ollama"),
        "/api/generate": Endpoint("ollama"),
    },
}
# Work that goes on after its first answer states its usage when it is asked after: the path up to its id.
_POLLS: Mapping[Provider, Mapping[str, Endpoint]] = {
    Provider.OPENAI: {"/responses/": _RESPONSES},
    Provider.ANTHROPIC: {},
    Provider.GOOGLE: {"/interactions/": _INTERACTIONS},
    Provider.XAI: {
        "/responses/": _RESPONSES,
        "/chat/deferred-completion/": _CHAT,
        "/videos/": Endpoint("images", "video"),
    },
    Provider.PERPLEXITY: {
        "/responses/": _RESPONSES,
        "/agent/": _RESPONSES,
        "/async/chat/completions/": Endpoint("sonar"),
    },
    Provider.CUSTOM: {"/responses/": _RESPONSES},
}
# Of these the first answer states the use already, where it is whole, and can be asked for again.
KEPT_FLAVOURS = frozenset({_RESPONSES.flavour, _INTERACTIONS.flavour})
# Google names the method after a colon, the model before it.
_METHODS: Mapping[str, Endpoint] = {
    "generatecontent": _CONTENT,
    "streamgeneratecontent": _CONTENT,
    "embedcontent": _EMBED_CONTENT,
    "batchembedcontents": _EMBED_CONTENT,
    "predict": Endpoint("predict", "image"),
}
_STREAM = "streamgeneratecontent"
_METHOD = re.compile(r"(?:/.*?)??/(?P<model>(?:tunedModels/)?[^/:]+):(?P<method>[A-Za-z]+)", re.IGNORECASE)
_VIDEO = re.compile(r"(?:/.*)?/models/(?P<model>[^/]+)/operations/(?P<id>[^/]+)", re.IGNORECASE)
# What may stand before the path proper: versions, and Azure's deployments.
_BEFORE: Mapping[Provider, re.Pattern[str]] = {
    Provider.GOOGLE: re.compile(r"/v\d+(?:alpha|beta)?\d*(?=/)", re.IGNORECASE),
    Provider.PERPLEXITY: re.compile(r"/v1(?=/)", re.IGNORECASE),
    Provider.CUSTOM: re.compile(r"(?:/openai)?(?:/deployments/[^/]+)?(?:/v\d+)?(?=/)", re.IGNORECASE),
}


class Route(NamedTuple):
    """What a path asks for. `endpoint` None: nothing is metered. `model` and `streamed` are said by Google's paths.

    `polled` is the id of work that began with an earlier request: its usage is one call, however often it is asked for,
    and an answer without usage means that it still goes on.
    """

    dialect: Dialect
    endpoint: Endpoint | None = None
    model: str | None = None
    streamed: bool = False
    polled: str | None = None


def route(provider: Provider, method: str, path: str) -> Route:
    """The route of a wholly decoded path below the provider's base URL.

    Read generously (case, a slash at the end, parameters after a semicolon): a spelling that the vendor may understand
    must not escape the meter.
    """
    plain = "/".join(part.partition(";")[0] for part in re.split(r"[?#]", path, maxsplit=1)[0].split("/")).rstrip("/")
    before = _BEFORE[provider].match(plain) if provider in _BEFORE else None
    plain = plain[before.end() :] if before else plain
    small = plain.lower()
    dialect = _dialect(provider, small)
    if provider is Provider.GOOGLE and (found := _google(method, plain)):
        return found
    if method == "POST" and (endpoint := _POSTS[provider].get(small)):
        return Route(dialect, endpoint)
    for start, endpoint in _POLLS[provider].items():
        name, _, rest = plain[len(start) :].partition("/")
        asked = (method == "GET" and not rest) or (method == "POST" and rest.lower() == "cancel")
        if small.startswith(start) and name and asked:
            return Route(dialect, endpoint, polled=name)
    return Route(dialect)


def _google(method: str, path: str) -> Route | None:
    if method == "POST" and (called := _METHOD.fullmatch(path)):
        name = called["method"].lower()
        return Route("google", _METHODS.get(name), called["model"], streamed=name == _STREAM)
    if method == "GET" and (video := _VIDEO.fullmatch(path)):
        return Route("google", Endpoint("predict", "video"), video["model"], polled=video["id"])
    return None


def _dialect(provider: Provider, path: str) -> Dialect:
    if provider is Provider.ANTHROPIC:
        return "openai" if path.startswith("/v1/chat/") else "anthropic"
    if provider is Provider.GOOGLE:
        return "openai" if path.startswith("/openai/") else "google"
    return "anthropic" if provider in (Provider.XAI, Provider.CUSTOM) and path.startswith("/messages") else "openai"
