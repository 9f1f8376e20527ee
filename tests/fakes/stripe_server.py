"""FakeStripe: a real HTTP server on 127.0.0.1 that answers Stripe's own library, and sends signed messages.

By hand: `python -m tests.fakes.stripe_server --port 9901`, then STRIPE_BASE_URL=http://127.0.0.1:9901.
"""

import argparse
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

from guardian.config import settings
from tests.fakes.stripe_books import Declined, Found, Missing, StripeBooks

SECRET_KEY, WEBHOOK_SECRET = "sk_test_fake", "whsec_fake"  # of this fake only
_NAME = re.compile(r"[^\[\]]+")


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, at: int | None = None) -> str:
    """The header that Stripe sends with a body."""
    moment = int(time.time()) if at is None else at
    return f"t={moment},v1={hmac.new(secret.encode(), b'%d.' % moment + body, hashlib.sha256).hexdigest()}"


def nested(form: str) -> Found:
    """`a[b][0][c]=1` as {"a": {"b": {"0": {"c": "1"}}}}."""
    found: Found = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *path, last = _NAME.findall(name)
        at = found
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    return found


class FakeStripe:
    """`books` is what it knows, `requests` what it was asked as (method, path, form), `failures` what to answer next.

    Replies to a key of idempotency are kept, and given again.
    """

    def __init__(self, port: int = 0) -> None:
        self.books = StripeBooks()
        self.requests: list[tuple[str, str, Found]] = []
        self.failures: list[int] = []
        self.told = 0
        self._replies: dict[str, tuple[int, Any]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def configure(self, setenv: Callable[[str, str], None]) -> None:
        """Let this installation sell its plans here."""
        setenv("STRIPE_SECRET_KEY", SECRET_KEY)
        setenv("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
        setenv("STRIPE_BASE_URL", self.url)
        settings.cache_clear()

    # Messages

    def news(self) -> list[Found]:
        """The events since the last time that anybody asked."""
        found = self.books.events[self.told :]
        self.told = len(self.books.events)
        return found

    def send(self, webhook: str, events: Iterable[Found]) -> list[int]:
        """Post each, signed; the statuses of the answers."""
        return [self.post(webhook, json.dumps(event).encode()) for event in events]

    def post(self, webhook: str, body: bytes, header: str | None = None) -> int:
        headers = {"content-type": "application/json", "stripe-signature": header or signed(body)}
        request = urllib.request.Request(webhook, body, headers)  # a loopback address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code

    # Answers

    def answer(self, method: str, path: str, form: Found, key: str | None) -> tuple[int, Any]:
        with self._lock:
            self.requests.append((method, path, form))
            if self.failures:
                return self.failures.pop(0), {"error": {"type": "api_error", "message": "Broken."}}
            if key is None or method == "GET":
                return self._answer(method, path, form)
            if key not in self._replies:
                self._replies[key] = self._answer(method, path, form)
            return self._replies[key]

    def _answer(self, method: str, path: str, form: Found) -> tuple[int, Any]:
        try:
            parts = path.removeprefix("/v1/").split("/")
            act = getattr(self, f"_{method.lower()}_{parts[0]}")
            return 200, _public(act(parts[1:], form))
        except Missing as missing:
            said = {"type": "invalid_request_error", "code": "resource_missing", "message": f"No such: '{missing}'"}
            return 404, {"error": said}
        except Declined:
            said = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
            return 402, {"error": said}

    def _get_prices(self, parts: list[str], form: Found) -> Found:
        wanted = set(form.get("lookup_keys", {}).values())
        return _listed([each for each in self.books.all("price") if each["lookup_key"] in wanted])

    def _post_prices(self, parts: list[str], form: Found) -> Found:
        made = self.books.price(form["lookup_key"], int(form["unit_amount"]), form["currency"])
        made["metadata"] = form["metadata"]
        return made

    def _post_customers(self, parts: list[str], form: Found) -> Found:
        return self.books.keep("cus", "customer", **form)

    def _get_checkout(self, parts: list[str], form: Found) -> Found:
        found = self.books.all("checkout.session")
        return _listed([e for e in found if e["customer"] == form["customer"] and e["status"] == form["status"]])

    def _post_checkout(self, parts: list[str], form: Found) -> Found:
        if parts[-1] == "expire":
            found = self.books.get(parts[1])
            found["status"] = "expired"
            return found
        self.books.get(form["customer"])
        facts = {"status": "open", "price": form["line_items"]["0"]["price"]}
        made = self.books.keep("cs", "checkout.session", **form, **facts)
        made["url"] = f"{self.url}/pay/{made['id']}"
        return made

    def _post_billing_portal(self, parts: list[str], form: Found) -> Found:
        self.books.get(form["customer"])
        return {"id": "bps_1", "object": "billing_portal.session", "url": f"{self.url}/portal"}

    def _get_subscriptions(self, parts: list[str], form: Found) -> Found:
        if parts:
            return self.books.get(parts[0])
        return _listed([each for each in self.books.all("subscription") if each["customer"] == form["customer"]])

    def _post_subscriptions(self, parts: list[str], form: Found) -> Found:
        found = self.books.get(parts[0])
        if "items" in form:
            self.books.change(found["id"], form["items"]["0"]["price"], int(form["proration_date"]))
        if "cancel_at_period_end" in form:
            found["cancel_at_period_end"] = form["cancel_at_period_end"] == "true"
        if "cancel_at" in form:
            assert "cancel_at_period_end" not in form  # Stripe refuses the two together
            found["cancel_at"] = int(form["cancel_at"]) if form["cancel_at"] else None
        if "cancel_at_period_end" in form or "cancel_at" in form:
            self.books.tell("customer.subscription.updated", found)
        return found

    def _get_invoices(self, parts: list[str], form: Found) -> Found:
        if parts:
            return self.books.get(parts[0])
        since = int(form.get("created", {}).get("gte", 0))
        found = [e for e in self.books.all("invoice") if e["customer"] == form["customer"] and e["created"] >= since]
        return _listed(found)

    def _post_invoices(self, parts: list[str], form: Found) -> Found:
        details = form["subscription_details"]
        lines = self.books.prorated(
            form["subscription"], details["items"]["0"]["price"], int(details["proration_date"])
        )
        return self.books.draft(form["customer"], form["subscription"], lines, id="upcoming_in", created=self.books.now)

    def paid(self, session_id: str) -> str:
        """What the checkout's page does: the session is paid; gives where it leads back to."""
        with self._lock:
            found = self.books.get(session_id)
            if found["status"] != "open":
                raise Missing(session_id)
            made = self.books.subscribe(found["customer"], found["price"], found["subscription_data"].get("metadata"))
            found["status"], found["subscription"] = "complete", made["id"]
            self.books.tell("checkout.session.completed", found)
            return cast("str", found["success_url"])


def _listed(found: list[Found]) -> Found:
    return {"object": "list", "data": found, "has_more": False, "url": "/v1/list"}


def _public(found: Any) -> Any:
    """Without what only the fake knows."""
    if isinstance(found, dict):
        return {name: _public(value) for name, value in cast("Found", found).items() if not name.startswith("_")}
    return [_public(each) for each in cast("list[Any]", found)] if isinstance(found, list) else found


def _handler(fake: FakeStripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path.startswith("/v1/"):
                self._api("GET", url.path, url.query)
            elif url.path.startswith("/pay/"):
                self._reply(303, b"", ("location", fake.paid(url.path.removeprefix("/pay/"))))
            else:
                self._reply(200, b"<h1>Stripe's portal</h1>", ("content-type", "text/html"))

        def do_POST(self) -> None:
            self._api("POST", self.path, self.rfile.read(int(self.headers.get("content-length") or 0)).decode())

        def _api(self, method: str, path: str, form: str) -> None:
            status, body = 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
            if self.headers.get("authorization") == f"Bearer {SECRET_KEY}":
                status, body = fake.answer(method, path, nested(form), self.headers.get("idempotency-key"))
            self._reply(status, json.dumps(body).encode(), ("content-type", "application/json"))

        def _reply(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("content-length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests look at `requests`."""

    return Handler


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9901)
    with FakeStripe(parser.parse_args().port) as running:
        print(running.url)
        threading.Event().wait()
