"""A body that is a file: streamed to the disk, as a form or as it is, within a bound, and gone afterwards."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

from guardian.config import settings
from guardian.errors import ApiError, ValidationError
from guardian.services.ledger.imports.uploads import uploads_folder

_WRITE_BYTES = 1 << 20
_FILE = {"type": "string", "format": "binary"}
# What the documentation says of such a body.
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}},
            "application/octet-stream": {"schema": _FILE},
        },
    }
}


@dataclass(frozen=True, slots=True)
class Upload:
    """The file on the disk; `name` is what its sender calls it. `fields` are the form's other ones."""

    path: Path
    name: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


@asynccontextmanager
async def spooled(request: Request) -> AsyncGenerator[Upload]:
    """The request's file, for as long as the block lasts; whoever wants to keep it renames it.

    A raw body has its name in the query (`?fileName=`) or in the header X-File-Name. Raises ApiError (413) when it is
    larger than GUARDIAN_IMPORT_MAX_BYTES, ValidationError when there is no file.
    """
    # A name of its own, never the sender's.
    target = Path(tempfile.mkstemp(dir=uploads_folder())[1])
    try:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            yield await _from_form(request, target)
        else:
            yield await _from_body(request, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            target.unlink()


async def _from_form(request: Request, target: Path) -> Upload:
    bounded = _Bounded(request)
    try:
        async with Request(request.scope, bounded.receive).form(max_files=1, max_fields=10) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile):
                raise _missing()
            with target.open("wb") as file:
                await run_in_threadpool(shutil.copyfileobj, sent.file, file, _WRITE_BYTES)
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            return Upload(target, sent.filename or "file", fields)
    except MultiPartException as error:
        raise ValidationError(f"The form cannot be read: {error.message}") from None


async def _from_body(request: Request, target: Path) -> Upload:
    bounded = _Bounded(request)
    waiting = bytearray()
    with target.open("wb") as file:
        async for chunk in Request(request.scope, bounded.receive).stream():
            waiting += chunk
            if len(waiting) >= _WRITE_BYTES:
                await run_in_threadpool(file.write, waiting)
                waiting = bytearray()
        await run_in_threadpool(file.write, waiting)
    if not bounded.size:
        raise _missing()
    name = request.query_params.get("fileName") or unquote(request.headers.get("x-file-name", ""))
    return Upload(target, name or "file")


class _Bounded:
    """The request's messages, up to the bound."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._most = settings().guardian_import_max_bytes
        self.size = 0

    async def receive(self) -> Message:
        message = await self._request.receive()
        self.size += len(message.get("body", b""))
        if self.size > self._most:
            raise ApiError(
                f"The file is larger than {self._most:,} bytes. Import it with `guardian import`, or raise "
                "GUARDIAN_IMPORT_MAX_BYTES.",
                413,
                "PAYLOAD_TOO_LARGE",
            )
        return message


def _missing() -> ValidationError:
    message = "There is no file. Send it as the field 'file' of a form, or as the body."
    return ValidationError(message, details=[{"field": "file", "message": message}])
