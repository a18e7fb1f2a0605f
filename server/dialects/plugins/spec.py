"""This dialect's OpenAPI document; nothing of it is its own that depends on the server that runs."""

from pathlib import Path

from server.openapi.template import load_spec
from server.web.dialect import Spec


def load_plugins_spec() -> Spec:
    """The document of this dialect."""
    return load_spec(Path(__file__).with_name("openapi.yaml"), lambda served: {})
