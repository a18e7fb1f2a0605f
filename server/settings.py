"""Settings of the commands: one field = one flag, one FERRY_* variable, one default, one line of help, said once.

A command's settings are a frozen dataclass whose fields are made by `setting`; `read_settings` builds the parser
from it. A flag beats the variable, the variable beats the default; an empty variable counts as not set.
"""

# ruff: noqa: RUF009 (`setting` is `dataclasses.field` with our metadata)
import argparse
import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from server.engine.types import Device, EngineSettings
from server.errors import SettingsError

T = TypeVar("T")
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]


def setting(doc: str, default: Any = MISSING, *, minimum: float = -math.inf, maximum: float = math.inf) -> Any:
    """A field of a settings class.

    Args:
        doc: its line of help.
        default: without one, the setting is required.
        minimum: least number allowed.
        maximum: greatest number allowed.
    """
    return field(default=default, metadata={"doc": doc, "minimum": minimum, "maximum": maximum})


@dataclass(frozen=True)
class Limits:
    """What one request may ask for; past it the answer is a refusal that names the limit."""

    max_beam_size: int
    max_texts: int
    max_text_chars: int
    max_request_tokens: int


@dataclass(frozen=True, kw_only=True)
class EngineFields:
    """The engine's sizes, in every command that runs one; the defaults are the engine's own."""

    num_threads: int = setting(
        "engine threads; 0 is one per core allowed to us", EngineSettings.num_threads, minimum=0, maximum=1024
    )
    max_rows: int = setting(
        "rows of one engine thread; a sentence takes beam size of them",
        EngineSettings.max_rows,
        minimum=1,
        maximum=4096,
    )
    max_batch_tokens: int = setting(
        "padded source tokens one encoder call may hold", EngineSettings.max_batch_tokens, minimum=1, maximum=10**7
    )
    max_queue_tokens: int = setting(
        "source tokens that may wait; past it requests are refused", EngineSettings.max_queue_tokens, minimum=1
    )

    device: Device = setting("where the graphs compute; cuda needs ferry-nmt[serve-gpu]", EngineSettings.device)

    @property
    def engine(self) -> EngineSettings:
        """The part that the engine takes."""
        sizes = self.num_threads, self.max_rows, self.max_batch_tokens, self.max_queue_tokens
        return EngineSettings(*sizes, self.device)


@dataclass(frozen=True, kw_only=True)
class ServeSettings(EngineFields):
    """Settings of `ferry-serve`. What a model is comes from its bundle and cannot be set here."""

    models: Path = setting("folder of bundles, or one bundle", Path("models"))
    host: str = setting("address to listen on", "127.0.0.1")
    port: int = setting("port to listen on; 0 takes a free one", 8000, minimum=0, maximum=65535)
    max_body_bytes: int = setting("size of a request body", 1 << 20, minimum=1024, maximum=1 << 30)
    max_texts: int = setting("texts in one request", 256, minimum=1)
    max_text_chars: int = setting("characters in all texts of one request", 100_000, minimum=1)
    max_beam_size: int = setting("beam size a request may ask for", 8, minimum=1, maximum=64)
    deadline_s: float = setting(
        "seconds that a request of up to 2,000 characters may take; a longer one in proportion more",
        4.5,
        minimum=0.001,
        maximum=86_400,
    )
    max_deadline_s: float = setting(
        "seconds that any request may take, whatever it asks for", 60.0, minimum=0.001, maximum=86_400
    )
    cache_bytes: int = setting(
        "memory for translations of sentences that were asked for before; 0 keeps none", 32 << 20, minimum=0
    )
    data: Path = setting("folder for what clients store, such as glossaries; made when first needed", Path("data"))
    max_document_bytes: int = setting("size of an uploaded document", 10 << 20, minimum=1024, maximum=1 << 30)
    max_stored_bytes: int = setting("size of all stored documents", 1 << 30, minimum=1024)
    document_ttl_s: float = setting(
        "seconds after which a translated document that nobody fetches is forgotten", 86_400.0, minimum=1
    )
    api_keys: Path | None = setting("file of the keys with which one may ask; without it anybody may", None)
    character_limit: int = setting(
        "characters that a caller without a limit of its own may have translated in all; 0 is no limit", 0, minimum=0
    )
    client_timeout_s: float = setting(
        "seconds a client may take to send a request's head, or its body (plus one per 1,000 bytes), or to take any of "
        "an answer",
        30.0,
        minimum=0.1,
        maximum=3600,
    )
    grace_s: float = setting("seconds that running requests get at shutdown", 10.0, minimum=0, maximum=3600)
    log_level: LogLevel = setting("what is worth a line on stderr", "info")
    log_format: LogFormat = setting("lines for people, or JSON for programs", "text")
    cors_origins: str = setting("origins whose pages may ask, with commas between; * is any", "")
    otel: bool = setting("send OpenTelemetry traces, as its own variables say", False)
    access_log: bool = setting("a line for each request, without its text, key or address", False)

    def __post_init__(self) -> None:
        if self.max_beam_size > self.max_rows:
            raise SettingsError(
                f"--max-beam-size is {self.max_beam_size}; it must be at most --max-rows {self.max_rows}."
            )

    @property
    def limits(self) -> Limits:
        """The part that the translator takes. A request larger than the queue could never be admitted."""
        return Limits(self.max_beam_size, self.max_texts, self.max_text_chars, self.max_queue_tokens)


def read_settings(kind: type[T], argv: Sequence[str], environment: Mapping[str, str], doc: str) -> T:
    """The settings `kind` from flags and FERRY_* variables.

    Args:
        kind: the settings class.
        argv: the command line, without the program.
        environment: its variables.
        doc: what --help says of the command.

    Raises:
        SettingsError: naming each flag or variable with an impossible value, one per line.
        SystemExit: for --help, and for flags that do not exist.
    """
    given = vars(_parser(kind, doc).parse_args(argv))
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for item in fields(typing.cast(Any, kind)):
        flag, variable = _flag(item.name), _variable(item.name)
        where, text = (
            (flag, given[item.name]) if given[item.name] is not None else (variable, environment.get(variable))
        )
        if not text:
            if text == "" and where == flag:
                faults.append(f"{flag} is empty.")
            elif item.default is MISSING:
                faults.append(f"{flag} is missing: {item.metadata['doc']}.")
            continue
        try:
            values[item.name] = _convert(hints[item.name], text, item)
        except ValueError as error:
            faults.append(f"{where} is {text!r}; it must be {error}.")
    if faults:
        raise SettingsError("\n".join(faults))
    return kind(**values)


def _parser(kind: type[Any], doc: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, allow_abbrev=False)
    hints = typing.get_type_hints(kind)
    for item in fields(kind):
        default = {MISSING: "required", None: "optional", "": "default none"}.get(
            item.default, f"default {item.default}"
        )
        text = f"{item.metadata['doc']} ({default}; {_variable(item.name)})".replace("%", "%%")
        if hints[item.name] is bool:
            parser.add_argument(_flag(item.name), dest=item.name, help=text, action="store_const", const="true")
        else:
            parser.add_argument(_flag(item.name), dest=item.name, help=text, metavar=_metavar(hints[item.name]))
    return parser


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return "FERRY_" + name.upper()


def _metavar(hint: Any) -> str:
    choices = _choices(hint)
    return "{" + ",".join(choices) + "}" if choices else _plain(hint).__name__.upper()


def _choices(hint: Any) -> tuple[str, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) is Literal else ()


def _plain(hint: Any) -> Any:
    """The type itself of `X` and of `X | None`."""
    return next((part for part in typing.get_args(hint) if part is not type(None)), hint)


def _convert(hint: Any, text: str, item: "Field[Any]") -> Any:
    """`text` as the field's type; ValueError says what it must be."""
    kind = _plain(hint)
    if choices := _choices(hint):
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text
    if kind is bool:
        if text.lower() not in ("true", "1", "false", "0"):
            raise ValueError("true or false")
        return text.lower() in ("true", "1")
    return _number(kind, text, item) if kind in (int, float) else kind(text)


def _number(kind: type[int] | type[float], text: str, item: "Field[Any]") -> int | float:
    minimum, maximum = item.metadata["minimum"], item.metadata["maximum"]
    wanted = f"a{'n integer' if kind is int else ' number'} {_range(minimum, maximum)}".rstrip()
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(wanted) from None
    if not minimum <= value <= maximum or not math.isfinite(value):
        raise ValueError(wanted)
    return value


def _range(minimum: float, maximum: float) -> str:
    if maximum == math.inf:
        return "" if minimum == -math.inf else f"of at least {minimum:g}"
    return f"from {minimum:g} to {maximum:g}"
