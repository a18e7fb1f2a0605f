"""Bodies as names and values, whichever of JSON and a form a client sends; what is told of one that cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from server.errors import InvalidRequestError

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True)
class Faults:
    """What a dialect tells of a body that cannot be read. `{}` stands for what the reader says."""

    no_object: str
    too_deep: str
    no_json: str
    no_form: str
    too_many: str


def looks_like_json(body: bytes) -> bool:
    """`curl -d '{…}'` calls its JSON a form; a form cannot start with a brace."""
    return body.lstrip().startswith(b"{")


def parse_json(body: bytes, faults: Faults) -> dict[str, object]:
    """The fields of a JSON object.

    Raises:
        InvalidRequestError: it is none.
    """
    try:
        fields: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise InvalidRequestError(faults.no_object) from error
    except RecursionError as error:
        raise InvalidRequestError(faults.too_deep) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(faults.no_json.format(error)) from error
    return fields


def parse_form(body: bytes, encoding: str, max_fields: int, faults: Faults) -> list[tuple[str, str]]:
    """The fields of a form, in order.

    Args:
        body: of the request, percent-encoded.
        encoding: of what is not percent-encoded.
        max_fields: bounds the work on a body of ampersands.
        faults: the dialect's words for what is wrong.

    Raises:
        InvalidRequestError: it is not in UTF-8, or has too many fields.
    """
    try:
        text = body.decode(encoding)
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=max_fields)
    except UnicodeError as error:
        raise InvalidRequestError(faults.no_form) from error
    except ValueError as error:
        raise InvalidRequestError(faults.too_many.format(max_fields)) from error


def group_fields(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """A value for each name, a list of them where it came more than once."""
    fields: dict[str, object] = {}
    for name, value in pairs:
        known = fields.get(name)
        if isinstance(known, list):
            known.append(value)
        else:
            fields[name] = value if known is None else [known, value]
    return fields
