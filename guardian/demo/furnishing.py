"""What the company sets up in the product, by REST, as a person would: keys, tokens, budgets, alerts, and its past.

Each step looks for what is there first: a start that was cut short is gone on with by the next.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from guardian.demo.books import HOUR, Books, floor_day, floor_hour
from guardian.demo.client import NotReached, Rest, ask
from guardian.demo.company import ADMIN_KEYS, CALL_KEYS, LIVE_PROJECTS, NAME, VENDOR_NAMES, Vendor
from guardian.demo.history import ToldCall, all_told_calls, spend, told_spend
from guardian.demo.place import Place, keep_secrets, secrets_of

_EVENTS_AT_ONCE = 1_000
_PULL_SECONDS = 300.0
PLAYGROUND, ASSISTANT, EVENTS = "Playground", "Assistant", "Coding agents, their own events"
_SCOPES = {PLAYGROUND: ["gateway"], ASSISTANT: ["gateway"], EVENTS: ["ingest"]}
_LOOK_BACK = 30  # days of a budget that rolls
# Of the playground, for a day: passed within minutes, so that the gateway is seen to stop calls.
_PLAYGROUND_LIMIT = "0.05"


class Furnishing:
    """One sign-in that sets up what is missing. `web` is the product's address; `stop` ends every wait.

    Every method raises NotReached when the product does not answer as it should.
    """

    def __init__(self, place: Place, books: Books, web: str, stop: threading.Event) -> None:
        self._place, self._books, self._web, self._stop = place, books, web, stop
        self._rest = Rest(web)

    def sign_in(self) -> None:
        self._rest.sign_in(self._place.email, self._place.password, name="Demo", company=NAME)

    def furnish(self) -> dict[str, str]:
        """Everything, in the order in which a person would do it; the secrets of the tokens by name."""
        self._keys()
        tokens = self._tokens()
        self._budgets()
        self._alerts()
        return tokens

    def tell_past(self, token: str, since: datetime | None = None) -> datetime:
        """Send the events of the applications that tell of their calls, up to the running hour, which is given back."""
        until = floor_hour(datetime.now(UTC))
        waiting: list[dict[str, Any]] = []
        hour = since or self._books.start
        while hour < until:
            waiting += [_event(call) for call in all_told_calls(self._place.seed, hour)]
            hour += HOUR
        for first in range(0, len(waiting), _EVENTS_AT_ONCE):
            answer = ask("POST", f"{self._web}/api/v1/usage", waiting[first : first + _EVENTS_AT_ONCE], token=token)
            if answer.status >= 300:
                raise NotReached(f"Events were answered with {answer.status}: {answer.body}")
        return until

    def pull(self) -> None:
        """Have the reports pulled now, of each admin key, and wait until that is over."""
        for key in self._by_name("/keys", "label", _admin_label):
            job = self._rest.data("POST", f"/keys/{key['id']}/sync", {})
            self._finished(str(job.get("jobId") or job.get("id")))

    def _keys(self) -> None:
        there = {key["label"]: key for key in self._rest.data("GET", "/keys")}
        for vendor in Vendor:
            external = LIVE_PROJECTS[vendor][1]
            wanted = {"provider": vendor.value, "label": _call_label(vendor), "externalKeyId": external}
            if wanted["label"] not in there:
                self._rest.data("POST", "/keys", {**wanted, "key": CALL_KEYS[vendor]})
            label = _admin_label(vendor)
            if label not in there:
                body = {"provider": vendor.value, "label": label, "key": ADMIN_KEYS[vendor]}
                made = self._rest.data("POST", "/keys", body)
                if made.get("jobId"):
                    self._finished(made["jobId"])

    def _finished(self, job_id: str) -> None:
        deadline = datetime.now(UTC) + timedelta(seconds=_PULL_SECONDS)
        while datetime.now(UTC) < deadline and not self._stop.wait(0.5):
            job = self._rest.data("GET", f"/jobs/{job_id}")
            if job["status"] == "finished":
                return
            if job["status"] == "failed":
                raise NotReached(f"A pull failed: {job['error']}")
        raise NotReached("A pull did not end in time.")

    def _tokens(self) -> dict[str, str]:
        """Secrets are shown once: one that we did not keep is made anew."""
        kept = secrets_of(self._place.folder)
        known = {token["name"] for token in self._rest.data("GET", "/tokens")}
        for name, scopes in _SCOPES.items():
            if name not in kept or name not in known:
                kept[name] = self._rest.data("POST", "/tokens", {"name": name, "scopes": scopes})["secret"]
                keep_secrets(self._place.folder, kept)
        return kept

    def _budgets(self) -> None:
        # Budgets count what the product was told of, call by call.
        day = floor_day(self._place.born)
        told = told_spend(self._place.seed, day - timedelta(days=_LOOK_BACK), day)
        playground = next(t["id"] for t in self._rest.data("GET", "/tokens") if t["name"] == PLAYGROUND)
        self._make(
            "/budgets",
            {"name": "All applications, a month", "limit": str(_rounded(told * 2)), "thresholds": [50, 80, 100]},
            # Passed from the first day on: the past alone is more.
            {
                "name": f"Engineering, last {_LOOK_BACK} days",
                "limit": str(_rounded(told * Decimal("0.8"))),
                "rollingDays": _LOOK_BACK,
                "scope": {"type": "tag", "value": "team=engineering"},
            },
            {
                "name": "Playground, a day",
                "limit": _PLAYGROUND_LIMIT,
                "kind": "HARD",
                "period": "DAILY",
                "scope": {"type": "token", "value": playground},
            },
        )

    def _alerts(self) -> None:
        day = floor_day(self._place.born)
        usual = spend(self._place.seed, day - timedelta(days=7), day, Vendor.ANTHROPIC) / 7
        self._make(
            "/alerts",
            {
                "name": "Anthropic in a week",
                "type": "COST_THRESHOLD",
                "threshold": str(_rounded(usual * 5)),
                "window": "7d",
                "scope": {"type": "provider", "value": "ANTHROPIC"},
            },
            {
                "name": "Calls fail",
                "type": "ERROR_RATE",
                "threshold": "25",
                "window": "1h",
                "minRequests": 50,
            },
        )

    def _make(self, path: str, *wanted: dict[str, Any]) -> None:
        there = {each["name"] for each in self._rest.data("GET", path)}
        for body in wanted:
            if body["name"] not in there:
                self._rest.data("POST", path, body)

    def _by_name(self, path: str, field: str, name: Callable[[Vendor], str]) -> list[Any]:
        wanted = [name(vendor) for vendor in Vendor]
        return [each for each in self._rest.data("GET", path) if each[field] in wanted]


def _admin_label(vendor: Vendor) -> str:
    return f"{VENDOR_NAMES[vendor]} reports"


def _call_label(vendor: Vendor) -> str:
    return f"{VENDOR_NAMES[vendor]} calls"


def _rounded(amount: Decimal) -> Decimal:
    return max(amount.quantize(Decimal(10)), Decimal(10))


def _event(call: ToldCall) -> dict[str, Any]:
    usage = call.usage
    return {
        "eventId": call.id,
        "timestamp": call.at.isoformat(timespec="milliseconds"),
        "provider": usage.vendor.value,
        "model": usage.model,
        "operation": "message",
        "inputTokens": usage.uncached + usage.cached,
        "cacheReadTokens": usage.cached,
        "outputTokens": usage.output,
        "user": call.person,
        "tags": {"team": "engineering", "feature": call.feature},
    }
