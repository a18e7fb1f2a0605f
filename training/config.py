"""Strict TOML into frozen dataclasses: every fault in one message, the nearest known key suggested.

It knows nothing of what the settings mean; `settings.py` does.
"""

import difflib
import tomllib
import types
import typing
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

T = TypeVar("T")


class ConfigError(Exception):
    """A configuration that cannot be used; the message lists every fault."""


def read_config(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The TOML file `path` as plain data, with `key.path=value` overrides laid over it.

    Raises:
        ConfigError: the file is missing or is not TOML, or an override is not `key=value`.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    for override in overrides:
        _apply(data, override)
    return data


def build(kind: type[T], data: Any, where: str = "") -> T:
    """Plain data as an instance of the dataclass `kind`.

    Args:
        kind: the dataclass; its fields may be dataclasses themselves.
        data: as TOML gave it.
        where: path of `data` in the whole file, for messages; empty for all of it.

    Raises:
        ConfigError: unknown or missing keys and values of the wrong type, all of them.
    """
    faults: list[str] = []
    settings = cast(T, _convert(kind, data, where, faults))
    if faults:
        raise ConfigError("\n".join(faults))
    return settings


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"--set {override}: write it as key=value, for example optim.learning_rate=5e-4")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    *tables, name = key.strip().split(".")
    for table in tables:
        data = data.setdefault(table, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {override}: {table} is not a table")
    data[name] = value


def _convert(kind: Any, value: Any, where: str, faults: list[str]) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        kind = next(a for a in arguments if a is not type(None))
        return None if value is None else _convert(kind, value, where, faults)
    if is_dataclass(kind) and isinstance(value, dict):
        return _convert_table(cast(type, kind), value, where, faults)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(arguments[0], item, f"{where}[{i}]", faults) for i, item in enumerate(value))
    if origin is Literal and value in arguments:
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if origin is None and type(value) is kind:
        return value
    faults.append(f"{where} = {value!r}; expected {_name_kind(kind)}")
    return value


def _convert_table(kind: type, value: dict[str, Any], where: str, faults: list[str]) -> Any:
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    known = {field.name: field for field in fields(kind)}
    for key in value.keys() - known.keys():
        near = difflib.get_close_matches(key, known, n=1)
        faults.append(f"{prefix}{key} is not a setting" + (f"; did you mean {prefix}{near[0]}?" if near else ""))
    missing = [
        name
        for name, field in known.items()
        if name not in value and field.default is MISSING and field.default_factory is MISSING
    ]
    faults += [f"{prefix}{name} is missing" for name in missing]
    given = {name: _convert(hints[name], value[name], prefix + name, faults) for name in known if name in value}
    return kind(**(dict.fromkeys(missing) | given))


def _name_kind(kind: Any) -> str:
    origin = typing.get_origin(kind)
    if origin is Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    return "a list" if origin is tuple else "a table" if is_dataclass(kind) else kind.__name__
