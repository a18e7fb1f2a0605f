"""The whole document, for one server: its models' languages and its limits are in it."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from server.bundle import LanguagePair
from server.settings import Limits
from server.web.dialect import Dialect, Schema

OPENAPI = "3.1.0"


def build_document(dialects: Sequence[Dialect], limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """The document of a server that speaks `dialects`, has these limits and translates `pairs`."""
    served = ", ".join(dict.fromkeys(f"{pair.source}-{pair.target}" for pair in pairs))
    paths: Schema = {}
    schemas: Schema = {}
    for dialect in dialects:
        spec = dialect.spec(limits, pairs)
        schemas |= spec["components"]
        for path, operations in spec["paths"].items():
            tagged = {method: {**operation, "tags": [dialect.name]} for method, operation in operations.items()}
            paths.setdefault(path, {}).update(tagged)
    return {
        "openapi": OPENAPI,
        "info": {"title": "Ferry", "version": _version(), "description": f"Translates {served}."},
        "paths": paths,
        "components": {"schemas": schemas},
        "tags": [{"name": dialect.name} for dialect in dialects],
    }


def _version() -> str:
    try:
        return version("ferry-nmt")
    except PackageNotFoundError:  # run from its source, without having been installed
        return "0"
