"""A file that comes with the fields of a multipart form: read from the stream to a spool, never whole in memory twice.

Size, fields and files are limited while reading; a large file lies in an unnamed temporary file meanwhile.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from server.errors import InvalidRequestError, RequestTooLargeError, StorageError
from server.web.body import chunks_in_time, discard, read_media_type

MAX_FIELDS = 100
MAX_FIELD_BYTES = 64 << 10
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii")
# What the fields and the form itself may add to a file.
_SLACK_BYTES = 1 << 20


@dataclass(frozen=True)
class Upload:
    """A form. Of the file's name only the end is looked at; a field that came twice has both values here.

    Attributes:
        data: None if there was no file in the field of that name.
    """

    fields: list[tuple[str, str]]
    filename: str
    data: bytes | None


async def read_upload(request: Request[Any], max_file_bytes: int) -> Upload:
    """The form of a request, with its field `file`.

    Raises:
        RequestTooLargeError: the file, or the form around it, is over its limit.
        RequestTimeoutError: it came too slowly.
        InvalidRequestError: it is not a form, or not a sound one.
        StorageError: there is no room for it on disk.
    """
    if read_media_type(request) != "multipart/form-data":
        raise InvalidRequestError("Send the file as multipart/form-data, in the field 'file'.")
    check_charset(request)
    stream = chunks_in_time(request, request.state["settings"].client_timeout_s)
    limited = _limit(stream, request.headers.get("content-length", ""), max_file_bytes)
    parser = MultiPartParser(
        request.headers, limited, max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        await discard(stream)
        raise InvalidRequestError(
            "The form is not valid multipart/form-data with one file and short fields."
        ) from error
    except OSError as error:
        raise StorageError(f"The file could not be taken: {error.strerror}; ask again later.") from error
    try:
        file = form.get("file")
        data = await file.read() if isinstance(file, UploadFile) else None
        if data is not None and len(data) > max_file_bytes:
            raise _too_large(max_file_bytes)
        filename = file.filename or "" if isinstance(file, UploadFile) else ""
        return Upload([(name, value) for name, value in form.multi_items() if isinstance(value, str)], filename, data)
    finally:
        await form.close()


def check_charset(request: Request[Any]) -> None:
    """Refuse a form that says it is in anything but UTF-8.

    The parser would take any codec of Python's: some raise what nobody expects, some make lone surrogates.

    Raises:
        InvalidRequestError: it says so.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise InvalidRequestError("The charset of the form is not utf-8; send it in UTF-8.")


async def _limit(stream: AsyncIterator[bytes], declared: str, max_file_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as far as it may be; `declared` is the length that the client says it has."""
    left = max_file_bytes + _SLACK_BYTES
    if not (declared.isdecimal() and int(declared[:19]) > left):
        async for chunk in stream:
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
        else:
            return
    await discard(stream)
    raise _too_large(max_file_bytes)


def _too_large(max_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(f"The file is over {max_bytes} bytes, the limit of one document; send it in parts.")
