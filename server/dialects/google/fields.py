"""A request's fields: those of the query, and those of the body, be it JSON or a form.

Null and "" count as not given: clients send them for options that were not set.
"""

from collections.abc import Mapping

from server.dialects.fields import Faults, group_fields, looks_like_json, parse_form, parse_json
from server.errors import InvalidRequestError
from server.web.body import read_body, read_media_type
from server.web.state import FerryRequest

Fields = Mapping[str, object]

MAX_FORM_FIELDS = 1000  # far above 128 texts with all options; it bounds the work on a body of ampersands
KEY_HEADER = "x-goog-api-key"
_FAULTS = Faults(
    no_object="Invalid JSON payload received: the body must be an object.",
    too_deep="Invalid JSON payload received: it is nested too deeply.",
    no_json="Invalid JSON payload received: {}.",
    no_form="The form is not in UTF-8.",
    too_many="The form has more than {} fields.",
)


async def read_fields(request: FerryRequest) -> Fields:
    """The fields of the query and the body; of two with the same name, the body's count.

    Raises:
        RequestTooLargeError: the body is over the limit of one request.
        RequestTimeoutError: it did not come in time.
        InvalidRequestError: it is neither a JSON object nor a form.
    """
    query = group_fields(request.query_params.multi_items())
    if request.method in ("GET", "HEAD"):
        return query
    body = await read_body(request, request.state["settings"].max_body_bytes)
    if not body.strip():
        return query
    media_type = read_media_type(request)
    if media_type.startswith("multipart/"):
        raise InvalidRequestError(f"The body is {media_type}; send application/json or a form.")
    # Some clients send JSON and call it text.
    if looks_like_json(body) or media_type.endswith("json"):
        return {**query, **parse_json(body, _FAULTS)}
    return {**query, **group_fields(parse_form(body, "utf-8", MAX_FORM_FIELDS, _FAULTS))}


def read_key(request: FerryRequest) -> str | None:
    """The key in the query or in a header of Google's; None leaves the `Authorization` header."""
    return request.query_params.get("key") or request.headers.get(KEY_HEADER)


def read_string(fields: Fields, name: str) -> str | None:
    """A string, None if it was not given.

    Raises:
        InvalidRequestError: it is no string, or more than one.
    """
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidRequestError(f"Invalid value for {name}: it must be one string.")
    return value


def read_texts(fields: Fields) -> tuple[str, ...]:
    """The texts, one or many; a text may be empty.

    Raises:
        InvalidRequestError: there are none, or something else than strings.
    """
    value = fields.get("q")
    if value is None or value == []:
        raise InvalidRequestError("Required Text: q is missing; send one text or a list.")
    values = value if isinstance(value, list) else [value]
    texts = tuple(each for each in values if isinstance(each, str))
    if len(texts) < len(values):
        raise InvalidRequestError("Invalid value for q: it must be a string or a list of strings.")
    return texts
