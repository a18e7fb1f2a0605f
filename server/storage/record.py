"""What is stored of a document beside its bytes. The key is there as a hash only, the name of the file not at all."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

StoredFormality = Literal["default", "more", "less", "prefer_more", "prefer_less"]
StoredStatus = Literal["queued", "done", "error"]


@dataclass(frozen=True)
class Record:
    """A document and how it is to be translated; its fields are columns of `documents`.

    Attributes:
        kind: name of the file's format, and what was chosen of it.
        source: None to detect it.
        num_chars: of language.
        caller: who gets the characters back if it cannot be translated; None if nobody knows.
        accepted, changed: when it was accepted, and last changed its status; seconds since 1970.
        attempts: how often its translation has begun without having come to an end, this time included.
        fault: why there is no translation, for people.
        formality: how people are addressed.
        seat: of the process that translates it, None while nobody does.
    """

    document_id: str
    key_hash: str
    kind: str
    source: str | None
    target: str
    num_chars: int
    caller: str | None
    accepted: float
    changed: float
    status: StoredStatus = "queued"
    attempts: int = 0
    fault: str = ""
    seat: int | None = None
    formality: StoredFormality = "default"

    def fits(self, key: str) -> bool:
        """Whether this is the document's key."""
        return hmac.compare_digest(self.key_hash, hash_document_key(key))


def hash_document_key(key: str) -> str:
    """What is stored of a key. Keys are random and long, so there is nothing to guess and no need for salt."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
