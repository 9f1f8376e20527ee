"""A provider that answers at once, in a process of its own: what remains is the cost of whoever asks it.

`python -m tests.bench.answering` prints its port, and ends when its stdin does. Chat completions, whole or, where the
body says `"stream":true`, as events, each a write of its own; `?pause=0.5` in the path waits so long before each.
"""

import asyncio
import json
import sys
from typing import Any, cast

import uvloop

_USAGE = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29}
_MESSAGE = {"role": "assistant", "content": "Hello! How can I assist you today?"}
_COMMON = {"id": "chatcmpl-bench", "created": 1_793_491_200, "model": "gpt-5.4-mini"}
BODY = json.dumps(
    {
        **_COMMON,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
).encode()
_HEADERS = (
    b"date: Mon, 23 Nov 2026 10:00:00 GMT\r\nx-request-id: req_0123456789abcdef\r\n"
    b"openai-processing-ms: 12\r\nopenai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\n"
    b"x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n"
)
_HEAD = b"HTTP/1.1 200 OK\r\n" + _HEADERS
ANSWER = _HEAD + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
_STREAM_HEAD = _HEAD + b"content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunk(choices: list[dict[str, Any]], **more: object) -> bytes:
    facts = {**_COMMON, "object": "chat.completion.chunk", "service_tier": "default", "choices": choices, **more}
    return b"data: %b\n\n" % json.dumps(facts, separators=(",", ":")).encode()


def _events(**more: object) -> list[bytes]:
    """One that begins, 15 words, one that ends."""
    deltas = [{"role": "assistant", "content": ""}, *({"content": f" word{number}"} for number in range(15)), {}]
    choices = [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"} for delta in deltas]
    return [_chunk([choice], **more) for choice in choices]


_DONE = b"data: [DONE]\n\n"
# What the caller sends that it answers, but for the key: the headers of OpenAI's SDK.
HEADERS = [
    (b"accept", b"application/json"),
    (b"content-type", b"application/json"),
    (b"user-agent", b"OpenAI/Python 3.54.0"),
    (b"x-stainless-lang", b"python"),
    (b"x-stainless-package-version", b"3.54.0"),
    (b"accept-encoding", b"identity"),
]
# 18 events; and, for who asks for the usage, what OpenAI makes of them: one more, and a field in each.
EVENTS = [*_events(), _DONE]
_EVENTS_WITH_USAGE = [*_events(usage=None), _chunk([], usage=_USAGE), _DONE]


def _frames(events: list[bytes]) -> list[bytes]:
    """What is written one after the other: the head with the first event, the end with the last."""
    frames = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    return [_STREAM_HEAD + frames[0], *frames[1:-1], frames[-1] + b"0\r\n\r\n"]


_FRAMES, _FRAMES_WITH_USAGE = _frames(EVENTS), _frames(_EVENTS_WITH_USAGE)


class Answering(asyncio.Protocol):
    """Reads requests with a Content-Length, one after the other, and looks at little else in them."""

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            at = self._pending.find(b"content-length: ", 0, end)
            length = int(self._pending[at + 16 : self._pending.find(b"\r\n", at)]) if at >= 0 else 0
            if len(self._pending) < end + 4 + length:
                return
            request, self._pending = self._pending[: end + 4 + length], self._pending[end + 4 + length :]
            if b'"stream":true' not in request:
                self._transport.write(ANSWER)
                continue
            frames = _FRAMES_WITH_USAGE if b'"include_usage":true' in request else _FRAMES
            self._go_on(frames, 0, _pause(request[: request.find(b"\r\n")]))

    def _go_on(self, frames: list[bytes], number: int, pause: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(frames[number])
        if number + 1 == len(frames):
            return
        if pause:
            self._loop.call_later(pause, self._go_on, frames, number + 1, pause)
        else:
            self._loop.call_soon(self._go_on, frames, number + 1, pause)


def _pause(line: bytes) -> float:
    _, _, wanted = line.split(b" ")[1].partition(b"?pause=")
    return float(wanted or 0)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=2_048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
