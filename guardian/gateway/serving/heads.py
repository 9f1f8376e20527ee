"""A request's head while it is parsed, and the scope that it becomes."""

from httptools import HttpParserError, HttpRequestParser, parse_url

from guardian.gateway.serving.exchange import Scope
from guardian.gateway.serving.framing import Header


class Head:
    """Its address as it came, and its headers with their names in lower case."""

    __slots__ = ("expects", "headers", "url")

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[Header] = []
        # The caller waits for our word before it sends the body.
        self.expects = False

    def add(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expects = True
        self.headers.append((name, value))

    @property
    def size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def scope(self, parser: HttpRequestParser) -> Scope:
        """As ASGI has it, with what the gateway reads of it."""
        url = self.url if self.url[:1] == b"/" else _path_of(self.url)
        path, _, query = url.partition(b"?")
        return {
            "type": "http",
            "method": parser.get_method().decode("ascii"),
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": self.headers,
        }


def _path_of(url: bytes) -> bytes:
    """The path and query of an absolute address, as a proxy would be asked for it; what else is no path stays as is."""
    try:
        found = parse_url(url)
    except HttpParserError:
        return url
    if not found.path:
        return url
    return found.path + (b"?" + found.query if found.query else b"")
