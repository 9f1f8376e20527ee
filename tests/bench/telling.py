"""`python -m tests.bench.telling URL TOKEN KIND REQUESTS EVENTS CONNECTIONS`: tells events, prints how long it took.

Raw connections that keep alive: the client has to cost less than what it measures.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tests.api.ingest.making import chat, event, request

_NANOS = 1_795_168_800_000_000_000


def bodies(kind: str, requests: int, each: int) -> Iterator[bytes]:
    for number in range(requests):
        numbers = range(number * each + 1, (number + 1) * each + 1)
        if kind == "otlp":
            spans = [chat(_id=n, _start=_NANOS + n * 1_000_000, **_more(n)) for n in numbers]
            yield request(*spans, resource={"service.name": "web"}).SerializeToString()
        else:
            told = {"cacheReadTokens": 400, "responseTime": 900, "statusCode": 200}
            events = [event(n, timestamp=_at(n), **told) for n in numbers]
            yield json.dumps(events if kind == "batch" else events[0]).encode()


def _at(number: int) -> str:
    """A millisecond later for each, as the spans: an index keeps equal times once, and would look small."""
    return datetime.fromtimestamp((_NANOS // 1_000_000 + number) / 1_000, UTC).isoformat()


def _more(number: int) -> dict[str, object]:
    return {
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 500,
        "gen_ai.response.finish_reasons": "stop",
        "server.address": "api.openai.com",
        "server.port": 443,
    }


async def _send(host: str, port: int, messages: list[bytes], taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while messages:
        message = messages.pop()
        started = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"The server answered {head!r} {await reader.read(500)!r}")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        taken.append((time.perf_counter() - started) * 1000)
    writer.close()


async def main(url: str, token: str, kind: str, requests: int, each: int, connections: int) -> None:
    at = urlsplit(url)
    path, content = ("/api/v1/otlp/v1/traces", "x-protobuf") if kind == "otlp" else ("/api/v1/usage", "json")
    head = f"POST {path} HTTP/1.1\r\nhost: {at.netloc}\r\nauthorization: Bearer {token}\r\n"
    head += f"content-type: application/{content}\r\ncontent-length: "
    messages = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies(kind, requests, each)]
    messages.reverse()  # each takes the last one: so the earliest events are told first, as senders do
    taken: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_send(at.hostname or "", at.port or 80, messages, taken) for _ in range(connections)))
    print(json.dumps([time.perf_counter() - started, taken]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])))
