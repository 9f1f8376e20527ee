"""ETags: what an answer says, in a word that a client can hold against the next one.

`W/"<version>.<digest>"`: the digest is of the data, without the moment of asking that every envelope tells; the version
is that of the row, where there is one, and what If-Match is held against. Weak, because the envelope differs each time
(RFC 9110, 8.8.1). If-Match takes weak ones all the same: a proxy that packs answers makes every tag weak.
"""

import hashlib
import json
import re

from fastapi import Response

_METADATA = b',"metadata":'
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def etag(body: bytes, version: str | None) -> str:
    """The tag of that answer."""
    data, told, metadata = body.rpartition(_METADATA)
    digest = hashlib.blake2b(data if told else body, digest_size=12)
    if told:
        cursor = json.loads(metadata[:-1]).get("nextCursor")
        digest.update(str(cursor).encode())
    return f'W/"{version or ""}.{digest.hexdigest()}"'


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller has what this tag stands for."""
    return if_none_match is not None and (if_none_match.strip() == "*" or _word(tag) in _TAG.findall(if_none_match))


def versions_in(if_match: str) -> frozenset[str] | None:
    """The versions that the caller takes for the current one; None for "*", which is any."""
    if if_match.strip() == "*":
        return None
    return frozenset(word.partition(".")[0] for word in _TAG.findall(if_match))


def not_modified(response: Response) -> Response:
    """304 with the headers that a 200 would have had, and without its body."""
    kept = {name: response.headers[name] for name in ("etag", "set-cookie") if name in response.headers}
    return Response(status_code=304, headers=kept)


def _word(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')
