"""The whole document, for one server: its models' languages and its limits are in it."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from server.bundle import LanguagePair
from server.deepl.spec import COMPONENTS as DEEPL_COMPONENTS
from server.deepl.spec import deepl_paths
from server.libre.spec import build_spec as build_libre_spec
from server.openapi.native import native_components, native_paths
from server.openapi.parts import Schema
from server.settings import Limits

OPENAPI = "3.1.0"


def build_document(limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """The document of a server with these limits that translates `pairs`."""
    served = ", ".join(dict.fromkeys(f"{pair.source}-{pair.target}" for pair in pairs))
    paths: Schema = {}
    groups = {
        "native": native_paths(),
        "DeepL-compatible": deepl_paths(pairs),
        "LibreTranslate-compatible": build_libre_spec(limits, pairs)["paths"],
    }
    for tag, group in groups.items():
        for path, operations in group.items():
            tagged = {method: {**operation, "tags": [tag]} for method, operation in operations.items()}
            paths.setdefault(path, {}).update(tagged)
    return {
        "openapi": OPENAPI,
        "info": {"title": "Ferry", "version": _version(), "description": f"Translates {served}."},
        "paths": paths,
        "components": {"schemas": native_components(limits, pairs) | DEEPL_COMPONENTS},
        "tags": [{"name": tag} for tag in groups],
    }


def _version() -> str:
    try:
        return version("ferry-nmt")
    except PackageNotFoundError:  # run from its source, without having been installed
        return "0"
