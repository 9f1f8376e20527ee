"""Uploads (multipart/form-data): short fields are read as they pass, files are not kept, the bytes stay as they are."""

import re

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from guardian.errors import ValidationError

_BOUNDARY = re.compile(rb'boundary=(?:"([^"]{1,256})"|([^\s;,"]{1,256}))', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="((?:[^"\\]|\\.)*)"|[;\s]name=([^\s;"]+)', re.IGNORECASE)
_FILENAME = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
_LONGEST_FIELD = 4_096
_MOST_FIELDS = 64
_LONGEST_HEADER = 4_096


class Form:
    """Feed it the body's chunks: `fields` has the short text fields so far, `files` counts the files begun.

    `model` may come after the file: who needs it holds the chunks back, as many as the own bound allows, until
    `has_model` or `whole`.
    """

    def __init__(self, content_type: bytes) -> None:
        """Raises ValidationError for a content type without a boundary."""
        found = _BOUNDARY.search(content_type)
        if found is None:
            raise ValidationError("The upload's content-type names no boundary.")
        self.fields: dict[str, str] = {}
        self.files = 0
        self.whole = False
        self._header_name, self._header_value = bytearray(), bytearray()
        self._name: str | None = None
        self._value = bytearray()
        self._parser = MultipartParser(
            found[1] or found[2],
            {
                "on_part_begin": self._on_part,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    @property
    def has_model(self) -> bool:
        return "model" in self.fields

    def feed(self, chunk: bytes) -> None:
        """Raises ValidationError for what is no form."""
        if self.whole or not chunk:
            return
        try:
            self._parser.write(chunk)
        except MultipartParseError:
            raise ValidationError("The upload is not a valid multipart form.") from None

    def _on_part(self) -> None:
        self._name = None
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start : min(end, start + _LONGEST_HEADER)]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        if len(self._header_value) < _LONGEST_HEADER:
            self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if bytes(self._header_name).lower() == b"content-disposition":
            value = bytes(self._header_value)
            name = _NAME.search(value)
            if _FILENAME.search(value):
                self.files += 1
            elif name is not None:
                self._name = (name[1] or name[2] or b"").decode("utf-8", "replace")
        self._header_name.clear()
        self._header_value.clear()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is not None:
            self._value += data[start : min(end, start + _LONGEST_FIELD + 1)]
            if len(self._value) > _LONGEST_FIELD:  # a prompt: none of ours to keep
                self._name = None
                self._value.clear()

    def _on_part_end(self) -> None:
        if self._name is not None and len(self.fields) < _MOST_FIELDS:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _on_end(self) -> None:
        self.whole = True
