"""How long, and for how much, the server waits for who is connected to it."""

from typing import NamedTuple


class Patience(NamedTuple):
    """Seconds, but for the bytes.

    `kept` is for a connection without a request, `head` for a request's head from its first byte to its last, `body`
    between two pieces of its body, `written` for a caller that does not read its answer. `most_head` bounds the bytes
    of a head. `most_surplus` is how much of a body is read, and thrown away, after an answer that did not want it:
    a connection that is closed over bytes that nobody read may take the answer with it.
    """

    kept: float = 75.0
    head: float = 20.0
    body: float = 60.0
    written: float = 300.0
    most_head: int = 64 * 1024
    most_surplus: int = 64 * 1024**2
