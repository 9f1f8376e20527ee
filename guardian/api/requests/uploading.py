"""A body that is a file: streamed to the disk, as a form or as it is, within a bound, and gone afterwards."""

import contextlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import Request
from starlette.requests import ClientDisconnect

from guardian.api.requests.form_files import FILE_FIELD, FormReader, refuse_file
from guardian.api.requests.landing import Landing, no_room, too_large
from guardian.config import settings
from guardian.errors import ApiError
from guardian.services.ledger.imports.uploads import forget_partials, partial_upload, uploads_folder

_FRAME = 1 << 20  # bytes that a form may have around its file: ten fields of 64 KB, and the marks between them
_FILE = {"type": "string", "format": "binary"}
# What the documentation says of such a body.
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {FILE_FIELD: _FILE}, "required": [FILE_FIELD]}
            },
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

    A raw body has its name in the query (`?fileName=`) or in the header X-File-Name. Raises ApiError: 413 when it is
    larger than GUARDIAN_IMPORT_MAX_BYTES, by what it declares before a byte of it is read, 507 when the disk is full;
    and ValidationError when there is no file.
    """
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    most = settings().guardian_import_max_bytes
    _refuse_declared(request, most, _FRAME if is_form else 0)
    forget_partials()
    target = partial_upload()
    try:
        yield await (_from_form if is_form else _from_body)(request, target, most)
    except ClientDisconnect:
        # 499, as proxies log it: nobody is there to read the answer, and nothing of ours went wrong.
        raise ApiError("The sender left before the file was whole.", 499, "CLIENT_CLOSED_REQUEST") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            target.unlink()


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _refuse_declared(request: Request, most: int, frame: int) -> None:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        return
    if int(declared) > most + frame:
        raise too_large(most)
    if int(declared) > free_bytes(uploads_folder()):
        raise no_room()


async def _from_form(request: Request, target: Path, most: int) -> Upload:
    async with Landing(target, most) as landing:
        reader = FormReader(request.headers["content-type"], landing.add)
        async for chunk in _bounded(request, most):
            reader.write(chunk)
            await landing.settle()
        return Upload(target, reader.finish() or "file", reader.fields)


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body, which is not without end even where nothing of it is the file."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most + _FRAME:
            raise too_large(most)
        yield chunk


async def _from_body(request: Request, target: Path, most: int) -> Upload:
    async with Landing(target, most) as landing:
        async for chunk in request.stream():
            landing.add(chunk)
            await landing.settle()
    if not landing.size:
        refuse_file("There is no file. Send it as the field 'file' of a form, or as the body.")
    name = request.query_params.get("fileName") or unquote(request.headers.get("x-file-name", ""))
    return Upload(target, name or "file")
