"""What of this dialect's OpenAPI document depends on the server that runs."""

from pathlib import Path

from server.dialects.terms import MAX_GLOSSARIES_PER_REQUEST
from server.openapi.template import Values, load_spec
from server.translation.request import AUTO, MAX_LENGTH_PENALTY
from server.web.dialect import Served, Spec


def load_native_spec() -> Spec:
    """The document of this dialect."""
    return load_spec(Path(__file__).with_name("openapi.yaml"), _make_values)


def _make_values(served: Served) -> Values:
    return {
        "source_languages": list(dict.fromkeys([AUTO, *(pair.source for pair in served.pairs)])),
        "target_languages": list(dict.fromkeys(pair.target for pair in served.pairs)),
        "max_length_penalty": MAX_LENGTH_PENALTY,
        "max_glossaries": MAX_GLOSSARIES_PER_REQUEST,
    }
