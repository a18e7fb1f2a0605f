"""The pieces that OpenAPI documents are made of."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from server.web.dialect import Schema

JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
STRING: Schema = {"type": "string"}

_REFERENCES = "#/components/schemas/{prefix}{{name}}"


def struct_schemas(kinds: Sequence[type[Struct]], prefix: str = "") -> tuple[dict[type[Struct], Schema], Schema]:
    """A reference to each of `kinds`, and the components they refer to, whose names begin with `prefix`."""
    template = _REFERENCES.format(prefix=prefix)
    references, components = msgspec.json.schema_components(kinds, ref_template=template)
    return dict(zip(kinds, references, strict=True)), {prefix + name: each for name, each in components.items()}


def content(schema: Schema, *media_types: str) -> Schema:
    """The same schema in each of the media types, JSON if none is named."""
    return {media_type: {"schema": schema} for media_type in media_types or (JSON,)}


def answered(description: str, schema: Schema | None = None, *media_types: str) -> Schema:
    """An answer; without a schema it has no body."""
    return {"description": description} | ({} if schema is None else {"content": content(schema, *media_types)})


def required_body(schema: Schema, *media_types: str) -> Schema:
    """A body that must be sent."""
    return {"required": True, "content": content(schema, *media_types)}


def parameter(name: str, place: str, description: str, schema: Schema = STRING) -> Schema:
    """A parameter in the `query` or the `path`; those in the path are required."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }


def language(codes: Iterable[str]) -> Schema:
    """A language's code, one of `codes`."""
    return {"type": "string", "enum": list(dict.fromkeys(codes))}
