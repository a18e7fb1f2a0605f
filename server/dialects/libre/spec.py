"""What of this dialect's OpenAPI document depends on the server that runs."""

from pathlib import Path

from server.dialects.codes import show_code
from server.documents.formats.registry import SUFFIXES
from server.openapi.template import Values, load_spec
from server.translation.request import AUTO
from server.web.dialect import Served, Spec


def load_libre_spec() -> Spec:
    """The document of this dialect, in the version of OpenAPI that its clients read."""
    return load_spec(Path(__file__).with_name("openapi.yaml"), _make_values)


def _make_values(served: Served) -> Values:
    return {
        "source_languages": list(dict.fromkeys([AUTO, *(show_code(pair.source) for pair in served.pairs)])),
        "target_languages": list(dict.fromkeys(show_code(pair.target) for pair in served.pairs)),
        "document_suffixes": ", ".join(SUFFIXES),
    }
