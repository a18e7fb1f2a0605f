"""One operation that two dialects describe."""

from server.openapi.merging import merge_operations, resolve
from server.openapi.rendering import render_page

A = {"type": "object", "properties": {"a": {"type": "string"}}}
B = {"type": "object", "properties": {"b": {"type": "string"}}}
COMPONENTS = {
    "schemas": {"B": B},
    "responses": {"Wrong": {"description": "Wrong.", "content": {"application/json": {"schema": A}}}},
}
JSON_B = {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}
FIRST = {
    "summary": "One.",
    "tags": ["x"],
    "security": [{"k": []}],
    "requestBody": {"required": True, "content": {"application/json": {"schema": A}, "a/form": {"schema": A}}},
    "responses": {
        "200": {"description": "Fine.", "content": {"application/json": {"schema": A}}},
        "400": {"$ref": "#/components/responses/Wrong"},
    },
}
SECOND = {
    "summary": "Or another.",
    "tags": ["y"],
    "security": [{"l": []}],
    "requestBody": {"required": True, "content": JSON_B},
    "responses": {
        "200": {"description": "Fine.", "content": JSON_B},
        "400": {"description": "Bad.", "content": JSON_B},
        "401": {"description": "Who?"},
    },
}


def test_both_are_said() -> None:
    document = {"components": COMPONENTS}
    merged = merge_operations(document, FIRST, SECOND)
    assert (merged["summary"], merged["tags"], merged["security"]) == (
        "One. Or another.",
        ["x", "y"],
        [{"k": []}, {"l": []}],
    )
    either = {"schema": {"anyOf": [A, JSON_B["application/json"]["schema"]]}}
    assert merged["requestBody"]["content"] == {"application/json": either, "a/form": {"schema": A}}
    assert merged["responses"] == {
        "200": {"description": "Fine.", "content": {"application/json": either}},
        "400": {"description": "Wrong. Bad.", "content": {"application/json": either}},
        "401": {"description": "Who?"},
    }
    assert "$ref" in FIRST["responses"]["400"], "the dialects' own documents stay as they are"


def test_the_page_shows_the_fields_of_both() -> None:
    operation = merge_operations({"components": COMPONENTS}, FIRST, SECOND)
    page = render_page(
        {
            "info": {"title": "T", "version": "1", "description": "D"},
            "tags": [{"name": "x"}],
            "paths": {"/p": {"post": {**operation, "security": []}}},
            "components": COMPONENTS,
        }
    )
    assert "<code>a</code>" in page
    assert "<code>b</code>" in page
    assert "<code>a, b</code>" in page


def test_what_is_referred_to() -> None:
    assert resolve({"components": COMPONENTS}, {"$ref": "#/components/schemas/B"}) is B
    assert resolve({}, A) is A
