"""The whole document, for one server: what all its dialects say of themselves, put together."""

from collections.abc import Sequence

from server.openapi.spec import read_version
from server.web.dialect import Dialect, Schema, Served

OPENAPI = "3.1.0"


def build_document(dialects: Sequence[Dialect], served: Served) -> Schema:
    """The document of a server that speaks `dialects`.

    What a dialect says at its top for all its operations, it says at each of them here. Components of two dialects must
    not have the same name.
    """
    directions = ", ".join(dict.fromkeys(f"{pair.source}-{pair.target}" for pair in served.pairs))
    paths: Schema = {}
    components: Schema = {}
    for dialect in dialects:
        spec = dialect.spec(served)
        common = {"tags": [dialect.name], "security": spec["security"]}
        for path, operations in spec["paths"].items():
            described = {method: common | operation for method, operation in operations.items()}
            paths.setdefault(path, {}).update(described)
        for kind, named in spec["components"].items():
            known = components.setdefault(kind, {})
            assert not known.keys() & named.keys(), f"two dialects have the same names in {kind}"
            known.update(named)
    return {
        "openapi": OPENAPI,
        "info": {"title": "Ferry", "version": read_version(), "description": f"Translates {directions}."},
        "paths": paths,
        "components": components,
        "tags": [{"name": dialect.name} for dialect in dialects],
    }
