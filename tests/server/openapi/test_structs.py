"""The schemas of the dialects' files, and the structs that the code reads and writes, are the same."""

from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import Struct

from server.dialects import deepl, google, libre, native, operations, plugins
from server.dialects.deepl import documents as deepl_documents
from server.dialects.deepl import errors as deepl_errors
from server.dialects.deepl import schema as deepl_schema
from server.dialects.google import errors as google_errors
from server.dialects.google import schema as google_schema
from server.dialects.libre import errors as libre_errors
from server.dialects.libre import languages as libre_languages
from server.dialects.libre import schema as libre_schema
from server.dialects.native import schema as native_schema
from server.dialects.operations import routes as operations_routes
from server.dialects.plugins import errors as plugins_errors
from server.dialects.plugins import schema as plugins_schema
from server.storage.glossary_store import DictionaryInfo, GlossaryInfo
from server.web import answers

# A dialect, what the names of its schemas begin with, and where their structs are.
DIALECTS: list[tuple[ModuleType, str, list[Any]]] = [
    (native, "", [native_schema, answers]),
    (deepl, "DeepL", [deepl_schema, deepl_documents, deepl_errors]),
    (libre, "Libre", [libre_schema, libre_languages, libre_errors]),
    (google, "Google", [google_schema, google_errors]),
    (plugins, "Plugins", [plugins_schema, plugins_errors]),
    (operations, "Operations", [operations_routes, answers]),
]


@pytest.mark.parametrize(("dialect", "prefix", "modules"), DIALECTS, ids=lambda value: getattr(value, "__name__", ""))
def test_schemas_are_those_of_the_structs(dialect: ModuleType, prefix: str, modules: list[ModuleType]) -> None:
    stored: tuple[type[Struct], ...] = (GlossaryInfo, DictionaryInfo) if dialect is deepl else ()
    structs = {each.__name__: each for each in stored}
    for module in modules:
        structs |= {name: each for name, each in vars(module).items() if _is_own_struct(each, module)}
    # msgspec has no schema of two kinds of lists; test_behaviour.py sees all fields of this one.
    structs = {name: each for name, each in structs.items() if each is not libre_schema.TranslateAnswer}
    _, made = msgspec.json.schema_components(list(structs.values()), ref_template="{name}")
    assert dialect.__file__ is not None
    described = yaml.safe_load(Path(dialect.__file__).with_name("openapi.yaml").read_text())["components"]["schemas"]
    assert {name: _reduce(schema, "") for name, schema in made.items()} == {
        name.removeprefix(prefix): _reduce(schema, prefix)
        for name, schema in described.items()
        if name != "LibreTranslateAnswer"
    }


def _is_own_struct(value: Any, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, Struct) and value.__module__ == module.__name__


def _reduce(schema: dict[str, Any], prefix: str) -> Any:
    """What both ways to write a schema have in common: fields, which of them must be there, and their types.

    The file says more than a struct can: limits, languages, and what a string may be.
    """
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2].removeprefix(prefix)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return frozenset().union(*(_as_set(_reduce(each, prefix)) for each in choices))
    if "properties" in schema:
        fields = frozenset((name, _reduce(each, prefix)) for name, each in schema["properties"].items())
        return fields, frozenset(schema["required"]), schema.get("additionalProperties", True)
    if schema.get("type") == "array":
        items = schema["items"] or {"anyOf": schema["prefixItems"]}
        return "list", _reduce(items, prefix), schema.get("minItems")
    kinds = schema.get("type") or [_KINDS[type(value)] for value in schema["enum"]]
    return frozenset([kinds] if isinstance(kinds, str) else kinds)


_KINDS = {str: "string", bool: "boolean"}


def _as_set(reduced: Any) -> frozenset[Any]:
    return reduced if isinstance(reduced, frozenset) else frozenset([reduced])
