"""FakeProvider: a real HTTP server on 127.0.0.1 that plays the vendors, with faults on demand.

By hand: `python -m tests.fakes.provider_server --port 9900 --examples`.
"""

import argparse
import contextlib
import threading
from datetime import datetime
from fnmatch import fnmatch
from types import TracebackType
from typing import Any, Self

from tests.fakes import anthropic_api, openai_api, perplexity_api, xai_api
from tests.fakes.anthropic_api import AnthropicFake
from tests.fakes.compatible_api import DeepSeekFake, PlainFake, RouterFake
from tests.fakes.faults import FaultBook
from tests.fakes.google_api import GeminiFake
from tests.fakes.openai_api import OpenAIFake
from tests.fakes.perplexity_api import PerplexityFake
from tests.fakes.reporting import Api, Refused, Reply
from tests.fakes.wire import Logged, Server
from tests.fakes.xai_api import XAIApi, XAIManagementApi, XAITeam


class FakeProvider(FaultBook):
    """All vendors on one port. Change `openai` and the others at any time; `log` has every request.

    `apis` are what is served, by the first part of their paths; a vendor with several hosts has several.

    >>> with FakeProvider() as fake:
    ...     fake.openai.load_examples()
    ...     fake.fail("*/costs", status=429, headers={"retry-after": "1"}, times=1)
    ...     ...  # talk to fake.openai_url with openai_api.ADMIN_KEY
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.renew()
        self.log: list[Logged] = []
        self.errors: list[BaseException] = []
        self.latency = 0.0
        self._stopping = threading.Event()
        self._port = port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def renew(self) -> None:
        """Forget everything that was planted or changed in the vendors: new ones stand in their places."""
        self.openai = OpenAIFake()
        self.anthropic = AnthropicFake()
        self.google = GeminiFake()
        self.xai = XAITeam()
        self.perplexity = PerplexityFake()
        self.plain, self.openrouter, self.deepseek = PlainFake(), RouterFake(), DeepSeekFake()
        self.apis: dict[str, Api] = {
            "openai": self.openai,
            "anthropic": self.anthropic,
            "google": self.google,
            "google-oauth": self.google.oauth,
            "google-monitoring": self.google.monitoring,
            "google-bigquery": self.google.bigquery,
            "xai": XAIApi(self.xai),
            "xai-management": XAIManagementApi(self.xai),
            "perplexity": self.perplexity,
            "plain": self.plain,
            "openrouter": self.openrouter,
            "deepseek": self.deepseek,
        }

    # Life

    def start(self) -> Self:
        self._server = Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End at once, also in the middle of a silence. Raises what went wrong inside the fake itself, if anything."""
        self._stopping.set()
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.close_all()
            self._server = None
        if self.errors:
            raise self.errors[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def urls(self) -> dict[str, str]:
        """The base URLs of all APIs by the name of their setting: `Settings(**fake.urls)`."""
        return {api.setting: self.url(name) for name, api in self.apis.items()}

    def url(self, name: str) -> str:
        """The base URL of one API."""
        return f"http://127.0.0.1:{self._port}/{name}{self.apis[name].root}"

    @property
    def openai_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return self.url("openai")

    @property
    def anthropic_url(self) -> str:
        """For ANTHROPIC_BASE_URL."""
        return self.url("anthropic")

    def load_examples(self, vendor: str, first_day: datetime | None = None) -> None:
        """The contracts' example rows, in the buckets of 2026-11-01 to 03, or moved to begin on `first_day`."""
        self.apis[vendor].load_examples(first_day)

    def requests(self, path: str = "*") -> list[Logged]:
        return [r for r in self.log if fnmatch(r.path, path)]

    def answer(
        self,
        vendor: str,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        body: dict[str, Any] | None,
    ) -> Reply:
        """The vendor's own answer, faults aside."""
        api = self.apis[vendor]
        script = self.script(api.known_as(path, query))
        if script is not None:
            asked = api.page_asked(query)
            bodies = zip([None, *map(api.follower, script)], [*script, dict(api.last_page)], strict=True)
            return Reply(next((body for page, body in bodies if page == asked), dict(api.last_page)))
        try:
            return api.handle(method, path, query, headers, body)
        except Refused as refused:
            return refused.reply

    def wait(self, seconds: float) -> bool:
        """Sleep; True when the fake is being stopped."""
        return self._stopping.wait(seconds)


def main() -> None:
    """Serve until Ctrl-C, and say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9900)
    parser.add_argument("--examples", action="store_true", help="load the contracts' example rows")
    options = parser.parse_args()
    with FakeProvider(options.port) as fake:
        if options.examples:
            fake.load_examples("openai")
            fake.load_examples("anthropic")
            fake.load_examples("xai-management")
        print(*(f"{setting.upper()}={url}" for setting, url in fake.urls.items()), sep="\n")
        print(f"OpenAI admin key: {openai_api.ADMIN_KEY}\nAnthropic admin key: {anthropic_api.ADMIN_KEY}")
        print(f"xAI management key: {xai_api.MANAGEMENT_KEY}\nPerplexity key: {perplexity_api.KEY}")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
