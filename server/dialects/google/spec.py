"""What of this dialect's OpenAPI document depends on the server that runs."""

from pathlib import Path

from server.dialects.codes import show_regional_code
from server.dialects.google.schema import MAX_TEXTS
from server.openapi.template import Values, load_spec
from server.web.dialect import Served, Spec


def load_google_spec() -> Spec:
    """The document of this dialect."""
    return load_spec(Path(__file__).with_name("openapi.yaml"), _make_values)


def _make_values(served: Served) -> Values:
    return {
        "source_languages": list(dict.fromkeys(show_regional_code(pair.source) for pair in served.pairs)),
        "target_languages": list(dict.fromkeys(show_regional_code(pair.target) for pair in served.pairs)),
        "max_google_texts": min(MAX_TEXTS, served.limits.max_texts),
    }
