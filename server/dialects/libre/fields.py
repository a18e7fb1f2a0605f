"""A request's fields, from the query, from JSON or from a form, and the reading of one field with its checks.

In a form everything is a string; JSON has types. So a field is read by what it should be, never by how it came.
"""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from server.dialects.fields import JSON, MULTIPART, Faults, looks_like_json, parse_form, parse_json
from server.errors import InvalidRequestError
from server.web.body import read_body, read_media_type
from server.web.state import FerryRequest
from server.web.upload import check_charset, read_upload

MAX_FORM_FIELDS = 100  # far above what any endpoint knows; it bounds the work on a body of ampersands
_FAULTS = Faults(
    no_object="Invalid request: the body must be a JSON object",
    too_deep="Invalid request: the body is nested too deeply",
    no_json="Invalid request: the body is not JSON in UTF-8",
    no_form="Invalid request: the form is not in UTF-8",
    too_many="Invalid request: the form has more than {} fields",
)


@dataclass(frozen=True)
class Fields:
    r"""What a request says: by name, from its query and its body; a form's line ends are `\n`."""

    values: dict[str, object]

    def read_string(self, name: str) -> str:
        """A string that must be given; it may be empty.

        Raises:
            InvalidRequestError: it is missing, or no string.
        """
        value = self.values.get(name)
        if value is None:
            raise InvalidRequestError(f"Invalid request: missing {name} parameter")
        if not isinstance(value, str):
            raise InvalidRequestError(f"Invalid request: {name} parameter must be a string")
        return value

    def read_optional(self, name: str) -> str | None:
        """A string that need not be given.

        Raises:
            InvalidRequestError: it is no string.
        """
        return None if self.values.get(name) is None else self.read_string(name)

    def read_key(self) -> str | None:
        """The API key, None if there is none; whatever is no string is no key."""
        value = self.values.get("api_key")
        return value if isinstance(value, str) and value else None

    def read_code(self, name: str) -> str:
        """A language code, which must be given and not be empty.

        Raises:
            InvalidRequestError: it is missing, empty, or no string.
        """
        code = self.read_string(name).strip()
        if not code:
            raise InvalidRequestError(f"Invalid request: missing {name} parameter")
        return code

    def read_texts(self, name: str) -> str | list[str]:
        """One text or many.

        Raises:
            InvalidRequestError: it is missing, or neither a string nor a list of strings.
        """
        value = self.values.get(name)
        if not isinstance(value, list):
            return self.read_string(name)
        texts = [text for text in value if isinstance(text, str)]
        if len(texts) < len(value):
            raise InvalidRequestError(f"Invalid request: {name} parameter must be a string or a list of strings")
        return texts

    def read_count(self, name: str) -> int:
        """A number of at least 0, which it is if it is not given; a form has it as digits.

        Raises:
            InvalidRequestError: it is no whole number, or below 0.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return 0
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise InvalidRequestError(f"Invalid request: {name} parameter must be a whole number of at least 0")


async def read_fields(request: FerryRequest) -> Fields:
    """The fields of the query and the body; of two with the same name, the body's counts.

    Raises:
        RequestTooLargeError: the body is over the limit of one request.
        RequestTimeoutError: it did not come in time.
        InvalidRequestError: it cannot be read, or has a field twice.
    """
    query = _collect(request.query_params.multi_items())
    body = await read_body(request, request.state["settings"].max_body_bytes)
    media_type = read_media_type(request)
    if media_type == MULTIPART:
        return Fields({**query, **await _parse_multipart(request, body)})
    if body.strip() and (media_type == JSON or looks_like_json(body)):
        return Fields({**query, **parse_json(body, _FAULTS)})
    # Not only ASCII: `curl -d q=Grüße` leaves the letters as they are.
    return Fields({**query, **_collect(parse_form(body, "utf-8", MAX_FORM_FIELDS, _FAULTS))})


async def read_file(request: FerryRequest) -> tuple[Fields, str, bytes | None]:
    """The fields, and the name and the content of the field `file`, None if there is none.

    Raises:
        RequestTooLargeError: the file is over the limit of one document.
        RequestTimeoutError: it did not come in time.
        InvalidRequestError: the form cannot be read, or has a field twice.
        StorageError: the disk did not take the file.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        return await read_fields(request), "", None
    upload = await read_upload(request, request.state["settings"].max_document_bytes)
    query = _collect(request.query_params.multi_items())
    return Fields({**query, **_collect(upload.fields)}), upload.filename, upload.data


async def _parse_multipart(request: FerryRequest, body: bytes) -> dict[str, object]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    check_charset(request)
    form: FormData | None = None
    try:
        parser = MultiPartParser(
            request.headers, stream(), max_files=1, max_fields=MAX_FORM_FIELDS, max_part_size=max(len(body), 1)
        )
        form = await parser.parse()
        return _collect((name, value) for name, value in form.multi_items() if isinstance(value, str))
    except MultiPartException as error:
        raise InvalidRequestError("Invalid request: the form is not valid multipart/form-data with one file") from error
    finally:
        if form is not None:
            await form.close()


def _collect(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The fields of a form; it has no lists, and dropping all texts but one would be worse than refusing them."""
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidRequestError("Invalid request: a field is given more than once; send a list as JSON")
        values[name] = value.replace("\r\n", "\n").replace("\r", "\n")
    return values
