"""The document as a page to read: plain HTML, made once, with nothing loaded from elsewhere."""

import json
from collections.abc import Iterator
from html import escape

from server.openapi.merging import resolve
from server.web.dialect import Schema

_MAX_ENUM = 6


def render_page(document: Schema) -> str:
    """The page of `document`."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs.css"></head><body>'
        f'<h1>{title}</h1><p>{escape(info["description"])} <a href="/openapi.json">openapi.json</a></p>'
        f"{''.join(_sections(document))}</body></html>"
    )


def _sections(document: Schema) -> Iterator[str]:
    for tag in (each["name"] for each in document["tags"]):
        yield f"<h2>{escape(tag)}</h2>"
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag in operation["tags"]:
                    yield _operation(document, method, path, operation)


def _operation(document: Schema, method: str, path: str, operation: Schema) -> str:
    return (
        f"<section><h3><code><b>{method.upper()}</b> {escape(path)}</code></h3><p>{escape(operation['summary'])}</p>"
        f"{''.join(_keys(document, operation))}"
        f"{_table(_parameters(document, operation))}{''.join(_body(document, operation))}"
        f"<ul>{''.join(_responses(document, operation))}</ul></section>"
    )


def _keys(document: Schema, operation: Schema) -> Iterator[str]:
    for name in (name for required in operation.get("security", ()) for name in required):
        yield f"<p>With a key. {escape(document['components']['securitySchemes'][name]['description'])}</p>"


def _parameters(document: Schema, operation: Schema) -> Iterator[tuple[str, str, str]]:
    for each in (resolve(document, each) for each in operation.get("parameters", ())):
        yield each["name"] + "*" * each["required"], _type(each["schema"]), each.get("description", "")


def _body(document: Schema, operation: Schema) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        yield f"<p>Takes {escape(', '.join(content))}; * must be there.</p>"
        yield from (_table(_fields(each)) for each in _alternatives(document, next(iter(content.values()))["schema"]))


def _fields(schema: Schema) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = f" Default {json.dumps(field['default'])}." if field.get("default") is not None else ""
        yield name + "*" * (name in required), _type(field), field.get("description", "") + default


def _alternatives(document: Schema, schema: Schema) -> list[Schema]:
    """What a body may be: more than one thing where two dialects have the path."""
    found = resolve(document, schema)
    return [resolve(document, each) for each in found.get("anyOf", [found])]


def _responses(document: Schema, operation: Schema) -> Iterator[str]:
    for status, named in operation["responses"].items():
        response = resolve(document, named)
        schemas = [each.get("schema", {}) for each in response.get("content", {}).values()]
        names = list(
            dict.fromkeys(
                name
                for schema in schemas
                for each in _alternatives(document, schema)
                for name in each.get("properties", ())
            )
        )
        told = f": <code>{escape(', '.join(names))}</code>" if names else ""
        yield f"<li><b>{status}</b> {escape(response['description'])}{told}</li>"


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{escape(text)}</td></tr>"
        for name, kind, text in rows
    )
    return f"<table>{cells}</table>" if cells else ""


def _type(schema: Schema) -> str:
    """The type of a field, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"][:_MAX_ENUM]))
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(map(_type, choices)))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [f"{word} {schema[name]}" for name, word in _LIMITS.items() if name in schema]
    return " ".join([" | ".join(kind) if isinstance(kind, list) else kind, *limits])


_LIMITS = {"minimum": "from", "maximum": "to", "maxLength": "up to"}
