"""A form with a file in it, read as it comes: the file goes on at once, and is never held or written a second time."""

from collections.abc import Callable
from typing import Never

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from guardian.errors import ValidationError

_MOST_FIELDS = 10
_LONGEST_FIELD = 64 * 1024  # bytes; the fields are names of formats, people and keys
FILE_FIELD = "file"


def refuse_file(message: str) -> Never:
    raise ValidationError(message, details=[{"field": FILE_FIELD, "message": message}])


class FormReader:
    """Takes the form's bytes piece by piece; those of its file go to `land`, in order.

    `file_name` is what the sender calls the file, None until it has begun; `fields` are the others. Raises
    ValidationError for a form that is none.
    """

    def __init__(self, content_type: str, land: Callable[[bytes], None]) -> None:
        self.file_name: str | None = None
        self.fields: dict[str, str] = {}
        self._land = land
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        self._is_file = False
        self._field: bytearray | None = None
        self._ended = False
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise ValidationError("The form's Content-Type names no boundary. Leave that header to your HTTP library.")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._more_of_header,
                    "on_header_value": self._more_of_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_data,
                    "on_part_data": self._data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _unreadable(error) from None

    def write(self, data: bytes) -> None:
        """The next bytes of the form."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _unreadable(error) from None

    def finish(self) -> str:
        """Say that no more comes; gives the file's name. Raises ValidationError without the form's end, or a file."""
        if not self._ended and self.file_name is not None:
            refuse_file("The form stops before its end: the file is not whole. Send it again.")
        if self.file_name is None:
            refuse_file("There is no file. Send it as the field 'file' of a form, or as the body.")
        return self.file_name

    def _begin(self) -> None:
        self._disposition, self._is_file, self._field = b"", False, None

    def _more_of_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _more_of_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _begin_data(self) -> None:
        _kind, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise ValidationError("A field of the form has no name (Content-Disposition). Send the file as 'file'.")
        self._name = _text(options[b"name"])
        if b"filename" not in options:
            self._field = bytearray()
            if len(self.fields) == _MOST_FIELDS:
                raise ValidationError(f"The form has more than {_MOST_FIELDS} fields. Send only the documented ones.")
        elif self._name == FILE_FIELD:
            if self.file_name is not None:
                refuse_file("Send one file in a request: this form has more.")
            self._is_file = True
            self.file_name = _text(options[b"filename"])

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._land(data[start:end])
        elif self._field is not None:
            self._field += data[start:end]
            if len(self._field) > _LONGEST_FIELD:
                raise ValidationError(f"The field {self._name[:60]!r} of the form is too long.")

    def _end_part(self) -> None:
        if self._field is not None:
            self.fields[self._name] = _text(bytes(self._field))

    def _end(self) -> None:
        self._ended = True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _unreadable(error: FormParserError) -> ValidationError:
    return ValidationError(f"The form cannot be read: {error}. Send it again, or send the file as the body itself.")
