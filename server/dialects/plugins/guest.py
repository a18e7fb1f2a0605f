"""MTranServer's `/translate`, which LibreTranslate has as well: a body is told by its fields."""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType


class _Seen(Struct):
    """Which fields a body has."""

    text: Raw | UnsetType = UNSET
    to: Raw | UnsetType = UNSET
    q: Raw | UnsetType = UNSET
    source: Raw | UnsetType = UNSET
    target: Raw | UnsetType = UNSET


def is_single_request(body: bytes) -> bool:
    """Whether `body` has fields of MTranServer's, and none of LibreTranslate's; what cannot be read is not ours."""
    try:
        seen = msgspec.json.decode(body, type=_Seen)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    has_theirs = any(each is not UNSET for each in (seen.q, seen.source, seen.target))
    return not has_theirs and (seen.text is not UNSET or seen.to is not UNSET)
