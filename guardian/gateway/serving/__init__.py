"""The gateway's own HTTP/1.1 server, on httptools: what uvicorn does for an ASGI application, for a third of its time.

It keeps connections, takes bodies in chunks or of a stated length, asks for them where Expect says so, stops reading
and waits with writing when the other side is slower, bounds heads, and closes what is silent, as `Patience` has it.
A request that comes before the one before it is answered is not answered: the connection is closed behind that answer.
"""

from guardian.gateway.serving.connection import Application, Message, Receive, Scope, Send
from guardian.gateway.serving.listening import Listening
from guardian.gateway.serving.patience import Patience

__all__ = ["Application", "Listening", "Message", "Patience", "Receive", "Scope", "Send"]
