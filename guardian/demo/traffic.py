"""What the company calls while the demonstration runs: single calls through the gateway, at a gentle rate."""

import random
import threading
from datetime import datetime

from guardian.demo.client import NotReached, ask
from guardian.demo.company import PEOPLE
from guardian.demo.furnishing import ASSISTANT, PLAYGROUND

# Seconds from one call to the next: some 30 calls a minute.
_PAUSE = (1.0, 3.0)
_AWAY_SECONDS = 3.0
_TOPICS = ("the delivery of an order", "a crash at start", "the tone of a letter", "last week's figures", "a refund")


def keep_calling(gateway: str, tokens: dict[str, str], seed: int, began: datetime, stop: threading.Event) -> None:
    """Call until `stop` is set. The calls follow from the seed; a gateway that is away is waited for."""
    rng = random.Random(f"{seed} {began.isoformat()}")  # noqa: S311  # made up, and no secret
    number = 0
    while not stop.wait(rng.uniform(*_PAUSE)):
        number += 1
        try:
            _call(gateway, tokens, rng, number)
        except NotReached:
            stop.wait(_AWAY_SECONDS)


def _call(gateway: str, tokens: dict[str, str], rng: random.Random, number: int) -> None:
    plays = rng.random() < 0.2
    team = "research" if plays else rng.choice(("support", "sales"))
    headers = {
        "x-guardian-tags": f"team={team},feature={'playground' if plays else rng.choice(('chat', 'summary'))}",
        "x-guardian-user": rng.choice(PEOPLE),
        "x-guardian-session": f"conversation-{number // 5}",
    }
    words = f"Question {number} about {rng.choice(_TOPICS)}. " * rng.randint(1, 40)
    body: dict[str, object] = {"messages": [{"role": "user", "content": words}], "stream": rng.random() < 0.4}
    token = tokens[PLAYGROUND if plays else ASSISTANT]
    if rng.random() < 0.5:
        body |= {"model": rng.choice(("gpt-5-mini", "gpt-5-mini", "gpt-5.2")), "max_completion_tokens": 800}
        ask("POST", f"{gateway}/openai/v1/chat/completions", body, token=token, headers=headers)
    else:
        body |= {"model": rng.choice(("claude-haiku-4-5", "claude-haiku-4-5", "claude-sonnet-5")), "max_tokens": 800}
        headers |= {"x-api-key": token, "anthropic-version": "2023-06-01"}
        ask("POST", f"{gateway}/anthropic/v1/messages", body, headers=headers)
