"""A request's fields, whether they came as JSON or as a form, and the reading of one field with its checks.

In a form everything is a string and a list is a repeated name; JSON has types, but its clients send "1" for true
as well. So a field is read by what it should be, never by how it came. Null and "" count as not given: clients
send them for options that were not set.
"""

from collections.abc import Mapping
from typing import TypeVar

from server.dialects.fields import FORM, Faults, group_fields, looks_like_json, parse_form, parse_json
from server.errors import InvalidRequestError
from server.web.body import read_body, read_media_type
from server.web.state import FerryRequest

Fields = Mapping[str, object]
Choice = TypeVar("Choice", bound=str)

MAX_FORM_FIELDS = 1000  # far above 50 texts with all options; it bounds the work on a body of ampersands
_FAULTS = Faults(
    no_object="The body must be a JSON object.",
    too_deep="The body is nested too deeply.",
    no_json="The body is not JSON: {}.",
    no_form="The form is not percent-encoded UTF-8.",
    too_many="The form has more than {} fields.",
)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


async def read_fields(request: FerryRequest, max_bytes: int) -> Fields:
    """The fields of the body, none if it is empty.

    Raises:
        RequestTooLargeError: the body is over `max_bytes`.
        RequestTimeoutError: it did not come in time.
        InvalidRequestError: it is neither a JSON object nor a form.
    """
    body = await read_body(request, max_bytes)
    media_type = read_media_type(request)
    if not body.strip():
        return {}
    if media_type == FORM and not looks_like_json(body):
        return group_fields(parse_form(body, "ascii", MAX_FORM_FIELDS, _FAULTS))
    if media_type.startswith("multipart/"):
        raise InvalidRequestError(f"The body is {media_type}; send application/json or {FORM}.")
    return parse_json(body, _FAULTS)


def read_string(fields: Fields, name: str) -> str | None:
    """A string, None if it was not given.

    Raises:
        InvalidRequestError: it is no string, or more than one.
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
        InvalidRequestError: it is missing, or not one string.
    """
    value = read_string(fields, name)
    if value is None:
        raise InvalidRequestError(f"Parameter '{name}' not specified.")
    return value


def read_strings(fields: Fields, name: str) -> tuple[str, ...]:
    """One or many strings, as they are; none if it was not given.

    Raises:
        InvalidRequestError: there is something else than strings.
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
        InvalidRequestError: there is something else than strings.
    """
    found = (part.strip() for each in read_strings(fields, name) for part in each.split(","))
    return tuple(dict.fromkeys(filter(None, found)))


def read_choice(fields: Fields, name: str, allowed: Mapping[str, Choice], default: Choice) -> Choice:
    """What `allowed` says the given string stands for; the number 1 and true are as good as "1".

    Args:
        fields: of the request.
        name: of the one to read.
        allowed: what each string stands for.
        default: for a field that was not given.

    Raises:
        InvalidRequestError: it is none of those.
    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    key = _spell(value)
    if key not in allowed:
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be one of {', '.join(allowed)}.")
    return allowed[key]


def read_flag(fields: Fields, name: str, default: bool) -> bool:
    """True or false, as JSON has them, as words or as digits.

    Args:
        fields: of the request.
        name: of the one to read.
        default: for a field that was not given.

    Raises:
        InvalidRequestError: it is neither.
    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    key = _spell(value).lower()
    if key not in _FLAGS:
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be true or false.")
    return _FLAGS[key]


def _spell(value: object) -> str:
    """A value as a form would have it: true is 1; "" for what no form could mean."""
    if isinstance(value, str):
        return value
    return {0: "0", 1: "1"}.get(value, "") if isinstance(value, int) else ""
