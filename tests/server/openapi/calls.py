"""A request for each operation of every dialect that works as it is, so that a test may break it in one way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

UNKNOWN_GLOSSARY = "96ab91fd-e715-41a1-adeb-5d701f84a483"
DOCUMENT_KEY = "0" * 64
TEXT = "Der Hund läuft."
FILE = {"file": ("brief.txt", TEXT.encode())}


@dataclass(frozen=True)
class Call:
    """A request of one operation.

    Attributes:
        template: the path as the document has it.
        ids: what stands in the path's places.
        content: what httpx takes: `json`, `data`, `files`, `params`.
        is_guest: whether another dialect has the path, whose own document says nothing of it.
    """

    method: Method
    template: str
    content: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    is_guest: bool = False

    @property
    def operation(self) -> tuple[str, str]:
        """How the document finds it."""
        return self.method.lower(), self.template

    @property
    def path(self) -> str:
        """Where it goes."""
        return self.template.format_map(self.ids)


NATIVE = {"text": TEXT, "source": "de", "target": "en"}
DEEPL = {"text": [TEXT], "source_lang": "DE", "target_lang": "EN-US"}
LIBRE = {"q": TEXT, "source": "de", "target": "en"}
GOOGLE = {"q": [TEXT], "source": "de", "target": "en"}
LIBRE_FORM = {"source": "de", "target": "en"}
DEEPL_FORM = {"source_lang": "DE", "target_lang": "EN-US"}
GLOSSARY = {"name": "g", "source_lang": "DE", "target_lang": "EN", "entries_format": "tsv", "entries": "Hund\thound"}

UPLOAD = Call("POST", "/v2/document", {"data": DEEPL_FORM, "files": FILE})
CREATE_GLOSSARY = Call("POST", "/v2/glossaries", {"json": GLOSSARY})
DICTIONARY = {key: value for key, value in GLOSSARY.items() if key != "name"}
CREATE_DICTIONARIES = Call("POST", "/v3/glossaries", {"json": {"name": "g", "dictionaries": [DICTIONARY]}})
TRANSLATE_FILE = Call("POST", "/translate_file", {"data": LIBRE_FORM, "files": FILE})

# Those that need nothing to be there before them.
CALLS = (
    Call("POST", "/v1/translate", {"json": NATIVE}),
    Call("POST", "/v1/detect", {"json": {"text": TEXT}}),
    Call("GET", "/v1/models"),
    Call("GET", "/translate", {"params": {"q": TEXT, "source": "de", "target": "en"}}),
    Call("GET", "/health/live"),
    Call("GET", "/health/ready"),
    Call("GET", "/metrics"),
    Call("POST", "/v2/translate", {"json": DEEPL}),
    Call("GET", "/v2/languages", {"params": {"type": "target"}}),
    Call("POST", "/v2/languages", {"json": {"type": "source"}}),
    Call("GET", "/v3/languages", {"params": {"resource": "translate_text"}}),
    Call("GET", "/v3/languages/resources"),
    Call("GET", "/v2/usage"),
    Call("POST", "/v2/usage"),
    Call("GET", "/v2/glossary-language-pairs"),
    Call("GET", "/v2/glossaries"),
    CREATE_GLOSSARY,
    Call("GET", "/v3/glossaries"),
    CREATE_DICTIONARIES,
    UPLOAD,
    Call("POST", "/translate", {"json": LIBRE}),
    Call("POST", "/detect", {"json": {"q": TEXT}}),
    Call("GET", "/languages"),
    Call("GET", "/health"),
    Call("GET", "/frontend/settings"),
    Call("GET", "/spec"),
    Call("POST", "/suggest", {"data": {"q": "a", "s": "b"}}),
    TRANSLATE_FILE,
    Call("POST", "/language/translate/v2", {"json": GOOGLE}),
    Call("GET", "/language/translate/v2", {"params": GOOGLE}),
    Call("POST", "/google/language/translate/v2", {"json": GOOGLE}),
    Call("GET", "/google/language/translate/v2", {"params": GOOGLE}),
    Call("POST", "/language/translate/v2/detect", {"json": {"q": TEXT}}),
    Call("GET", "/language/translate/v2/detect", {"params": {"q": TEXT}}),
    Call("GET", "/language/translate/v2/languages", {"params": {"target": "en"}}),
    Call("POST", "/imme", {"json": {"source_lang": "de", "target_lang": "en", "text_list": [TEXT]}}),
    Call("POST", "/kiss", {"json": {"from": "de", "to": "en", "text": TEXT}}),
    Call("POST", "/translate", {"json": {"from": "de", "to": "en", "text": TEXT}}, is_guest=True),
    Call("POST", "/translate/batch", {"json": {"from": "de", "to": "en", "texts": [TEXT]}}),
    Call("GET", "/version"),
    Call("GET", "/__heartbeat__"),
    Call("GET", "/__lbheartbeat__"),
)


def calls_of_glossary(glossary_id: str) -> tuple[Call, ...]:
    """What is asked of one glossary; the last removes it."""
    one, ids = "/v2/glossaries/{glossary_id}", {"glossary_id": glossary_id}
    return Call("GET", one, ids=ids), Call("GET", f"{one}/entries", ids=ids), Call("DELETE", one, ids=ids)


def calls_of_dictionaries(glossary_id: str) -> tuple[Call, ...]:
    """What is asked of one glossary under /v3; the last two remove what it has, and it."""
    one, ids = "/v3/glossaries/{glossary_id}", {"glossary_id": glossary_id}
    direction = {"params": {"source_lang": "DE", "target_lang": "EN"}}
    return (
        Call("GET", one, ids=ids),
        Call("PATCH", one, {"json": {"name": "h", "dictionaries": [DICTIONARY]}}, ids),
        Call("PUT", f"{one}/dictionaries", {"json": DICTIONARY}, ids),
        Call("GET", f"{one}/entries", direction, ids),
        Call("DELETE", f"{one}/dictionaries", direction, ids),
        Call("DELETE", one, ids=ids),
    )


def calls_of_document(document_id: str, key: str) -> tuple[Call, ...]:
    """What is asked of one document; the first of the last three that finds it takes it away."""
    one, ids, handle = "/v2/document/{document_id}", {"document_id": document_id}, {"document_key": key}
    asked: tuple[tuple[Method, Mapping[str, Any]], ...] = (("GET", {"params": handle}), ("POST", {"json": handle}))
    found = tuple(Call(method, path, sent, ids) for path in (one, f"{one}/result") for method, sent in asked)
    return (*found, Call("DELETE", one, {"params": handle}, ids))


def call_of_file(name: str) -> Call:
    """The fetching of a translated file."""
    return Call("GET", "/download_file/{name}", ids={"name": name})


# Those of things that are not there.
UNKNOWN = (
    *calls_of_glossary(UNKNOWN_GLOSSARY),
    *calls_of_dictionaries(UNKNOWN_GLOSSARY),
    *calls_of_document("0" * 32, DOCUMENT_KEY),
    call_of_file("none.txt"),
)
EVERY_CALL = (*CALLS, *UNKNOWN)
