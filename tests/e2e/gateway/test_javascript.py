"""The JavaScript SDK of OpenAI, under Node: the same objects with the gateway as without it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import KEYS

SDK = "openai@7.57.0"
SCRIPT = """
import OpenAI from "openai";
const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, defaultHeaders: { "x-guardian-session": "js" } });
const model = "gpt-5.4-mini", messages = [{ role: "user", content: "Hello!" }];
const found = {}, ids = [];
const keep = async (name, asked) => {
  const { data, response } = await asked.withResponse();
  ids.push(response.headers.get("x-guardian-request-id"));
  if (data[Symbol.asyncIterator]) { found[name] = []; for await (const event of data) found[name].push(event); }
  else found[name] = data;
};
await keep("chat", client.chat.completions.create({ model, messages }));
await keep("chat-stream", client.chat.completions.create({ model, messages, stream: true }));
await keep("responses", client.responses.create({ model, input: "Hello!" }));
await keep("responses-stream", client.responses.create({ model, input: "Hello!", stream: true }));
await keep("embeddings", client.embeddings.create({ model: "text-embedding-3-small", input: "Hello!" }));
try { await new OpenAI({ baseURL, apiKey: "gdn_wrong", maxRetries: 0 }).models.list(); found.error = null; }
catch (error) { found.error = error instanceof OpenAI.AuthenticationError ? "authentication" : String(error); }
console.log(JSON.stringify({ found, ids }));
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK in it, from the registry that npm is set to; skipped where that is out of reach."""
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    npm = [str(Path(sys.executable).parent / "npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund", SDK]
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm cannot install {SDK}: {done.stderr[-200:]}")
    (folder / "ask.mjs").write_text(SCRIPT)
    return folder


def ask(project: Path, base: str, key: str) -> Any:
    node = [str(Path(sys.executable).parent / "node"), "ask.mjs", base, key]
    done = subprocess.run(node, cwd=project, capture_output=True, text=True, timeout=120, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_javascript_sdk_works_unchanged(stage: Stage, project: Path) -> None:
    direct = ask(project, stage.fake.url("openai"), KEYS["openai"])
    stage.fake.renew()
    through = ask(project, stage.base("openai"), stage.token)
    assert through["found"].pop("error") == "authentication"
    direct["found"].pop("error")
    assert through["found"] == direct["found"]
    for request_id, served in zip(through["ids"], stage.fake.served, strict=True):
        row = stage.row(request_id)
        assert (row.model, row.input_tokens, row.output_tokens) == (served.model, served.input, served.output)
        assert (row.cost, row.session) == (served.cost, "js")
