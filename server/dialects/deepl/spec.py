"""What of this dialect's OpenAPI document depends on the server that runs."""

from pathlib import Path

from server.dialects.deepl.languages import list_source_languages, list_target_languages
from server.dialects.deepl.schema import MAX_TEXTS
from server.documents.formats.registry import SUFFIXES
from server.openapi.template import Values, load_spec
from server.web.dialect import Served, Spec


def load_deepl_spec() -> Spec:
    """The document of this dialect."""
    return load_spec(Path(__file__).with_name("openapi.yaml"), _make_values)


def _make_values(served: Served) -> Values:
    return {
        "source_languages": [each.language for each in list_source_languages(served.pairs)],
        "target_languages": [each.language for each in list_target_languages(served.pairs)],
        "max_deepl_texts": min(MAX_TEXTS, served.limits.max_texts),
        "document_suffixes": ", ".join(SUFFIXES),
    }
