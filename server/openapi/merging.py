"""One operation of two dialects, described as both describe it: a body, and so its answer, is of either."""

from server.web.dialect import Schema


def merge_operations(document: Schema, first: Schema, second: Schema) -> Schema:
    """What both dialects say of one operation.

    Args:
        document: has the components that they refer to.
        first: of the dialect whose path it is.
        second: of its guest.
    """
    bodies = [resolve(document, each["requestBody"]) for each in (first, second)]
    return first | {
        "summary": f"{first['summary']} {second['summary']}",
        "tags": [*first["tags"], *second["tags"]],
        "security": [*first["security"], *second["security"]],
        "requestBody": bodies[0] | {"content": _merge_content(*(each["content"] for each in bodies))},
        "responses": _merge_responses(document, first["responses"], second["responses"]),
    }


def _merge_responses(document: Schema, first: Schema, second: Schema) -> Schema:
    merged = first | second
    for status in sorted(first.keys() & second.keys()):
        ours, theirs = resolve(document, first[status]), resolve(document, second[status])
        told = dict.fromkeys((ours["description"], theirs["description"]))
        merged[status] = {
            "description": " ".join(told),
            "content": _merge_content(ours["content"], theirs["content"]),
        }
    return merged


def _merge_content(first: Schema, second: Schema) -> Schema:
    both = first.keys() & second.keys()
    return (
        first | second | {kind: {"schema": {"anyOf": [first[kind]["schema"], second[kind]["schema"]]}} for kind in both}
    )


def resolve(document: Schema, node: Schema) -> Schema:
    """`node`, or what of `document` it refers to."""
    if "$ref" not in node:
        return node
    found = document
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found
