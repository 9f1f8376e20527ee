"""A provider that answers at once, in a process of its own: what remains is the cost of whoever asks it.

`python -m tests.bench.answering` prints its port, and ends when its stdin does.
"""

import asyncio
import json
import sys

import uvloop

_USAGE = {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29}
_MESSAGE = {"role": "assistant", "content": "Hello! How can I assist you today?"}
BODY = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_793_491_200,
        "model": "gpt-5.4-mini",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
).encode()
_HEADERS = (
    b"date: Mon, 23 Nov 2026 10:00:00 GMT\r\ncontent-type: application/json\r\nx-request-id: req_0123456789abcdef\r\n"
    b"openai-processing-ms: 12\r\nopenai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\n"
    b"x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (_HEADERS, len(BODY), BODY)


class Answering(asyncio.Protocol):
    """Reads requests with a Content-Length, one after the other, and looks at nothing else in them."""

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            at = self._pending.find(b"content-length: ", 0, end)
            length = int(self._pending[at + 16 : self._pending.find(b"\r\n", at)]) if at >= 0 else 0
            if len(self._pending) < end + 4 + length:
                return
            self._pending = self._pending[end + 4 + length :]
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=2_048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
