"""A request's fields, whether they came as JSON or as a form, and the reading of one field with its checks.

In a form everything is a string and a list is a repeated name; JSON has types, but its clients send "1" for true
as well. So a field is read by what it should be, never by how it came. Null and "" count as not given: clients
send them for options that were not set.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from server.errors import InvalidRequestError
from server.web.body import read_body
from server.web.state import FerryRequest

Fields = Mapping[str, object]
Choice = TypeVar("Choice", bound=str)

FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 1000  # far above 50 texts with all options; it bounds the work on a body of ampersands
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


async def read_fields(request: FerryRequest, max_bytes: int) -> Fields:
    """The fields of the body, none if it is empty.

    Raises:
        RequestTooLargeError, InvalidRequestError
    """
    body = await read_body(request, max_bytes)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body.strip():
        return {}
    # `curl -d '{…}'` calls its JSON a form; a form cannot start with a brace.
    if media_type == FORM and not body.lstrip().startswith(b"{"):
        return _parse_form(body)
    if media_type.startswith("multipart/"):
        raise InvalidRequestError(f"The body is {media_type}; send application/json or {FORM}.")
    return _parse_json(body)


def _parse_form(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except UnicodeError as error:
        raise InvalidRequestError("The form is not percent-encoded UTF-8.") from error
    except ValueError as error:
        raise InvalidRequestError(f"The form has more than {MAX_FORM_FIELDS} fields.") from error
    fields: dict[str, object] = {}
    for name, value in pairs:
        known = fields.get(name)
        if isinstance(known, list):
            known.append(value)
        else:
            fields[name] = value if known is None else [known, value]
    return fields


def _parse_json(body: bytes) -> Fields:
    try:
        fields: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise InvalidRequestError("The body must be a JSON object.") from error
    except RecursionError as error:
        raise InvalidRequestError("The body is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"The body is not JSON: {error}.") from error
    return fields


def read_string(fields: Fields, name: str) -> str | None:
    """A string, None if it was not given.

    Raises:
        InvalidRequestError
    """
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be one string.")
    return value


def read_required(fields: Fields, name: str) -> str:
    """A string that must be given.

    Raises:
        InvalidRequestError
    """
    value = read_string(fields, name)
    if value is None:
        raise InvalidRequestError(f"Parameter '{name}' not specified.")
    return value


def read_strings(fields: Fields, name: str) -> tuple[str, ...]:
    """One or many strings, as they are; none if it was not given.

    Raises:
        InvalidRequestError
    """
    value = fields.get(name)
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    strings = tuple(each for each in values if isinstance(each, str))
    if len(strings) < len(values):
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be a string or a list of strings.")
    return strings


def read_names(fields: Fields, name: str) -> tuple[str, ...]:
    """A list of names; each string of it may itself be several with commas between.

    Raises:
        InvalidRequestError
    """
    found = (part.strip() for each in read_strings(fields, name) for part in each.split(","))
    return tuple(dict.fromkeys(filter(None, found)))


def read_choice(fields: Fields, name: str, allowed: Mapping[str, Choice], default: Choice) -> Choice:
    """What `allowed` says the given string stands for; the number 1 and true are as good as "1".

    Raises:
        InvalidRequestError
    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    key = _word(value)
    if key not in allowed:
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be one of {', '.join(allowed)}.")
    return allowed[key]


def read_flag(fields: Fields, name: str, default: bool) -> bool:
    """True or false, as JSON has them, as words or as digits.

    Raises:
        InvalidRequestError
    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    key = _word(value).lower()
    if key not in _FLAGS:
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be true or false.")
    return _FLAGS[key]


def _word(value: object) -> str:
    """A value as a form would have it: true is 1; "" for what no form could mean."""
    if isinstance(value, str):
        return value
    return {0: "0", 1: "1"}.get(value, "") if isinstance(value, int) else ""
