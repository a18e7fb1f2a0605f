"""Settings of `ferry-translate`: a bundle or a server, the direction, the files, and what goes with what."""

# ruff: noqa: RUF009 (`setting` is `dataclasses.field` with our metadata)
from dataclasses import dataclass, fields
from pathlib import Path

from server.errors import SettingsError
from server.settings import EngineFields, setting
from server.translation.options import AUTO


@dataclass(frozen=True, kw_only=True)
class FileSettings(EngineFields):
    """Settings of `ferry-translate`."""

    model: Path | None = setting("the bundle; this or --url is required", None)
    url: str | None = setting("a running server, such as http://localhost:8000; instead of --model", None)
    api_key_file: Path | None = setting("file with the key for --url and nothing else", None)
    retry_s: float = setting(
        "seconds to try again while the server of --url answers nothing", 120.0, minimum=0, maximum=86_400
    )
    source: str = setting("language of the input, such as de; with --url also auto, which detects it in each line")
    target: str = setting("language of the output, such as en")
    input: Path | None = setting("file to translate; stdin if not given", None)
    output: Path | None = setting("file to write, continued if it was begun; stdout if not given", None)
    beam_size: int | None = setting("rows a sentence takes; the bundle's own if not given", None, minimum=1)
    length_penalty: float | None = setting("the bundle's own if not given", None, minimum=0, maximum=5)
    progress: bool = setting("show progress even if stderr is not a terminal", False)

    def __post_init__(self) -> None:
        if self.model is None and self.url is None:
            raise SettingsError("--model or --url is missing: the bundle to load, or the running server to ask.")
        if self.model is not None and self.url is not None:
            raise SettingsError("--model and --url exclude each other; load a bundle, or ask a running server.")
        _refuse(self._without_use())
        if self.input is not None and not self.input.exists():
            raise SettingsError(f"--input {self.input} does not exist.")
        if self.output is not None and (self.input is None or not self.input.is_file()):
            raise SettingsError("--output needs --input with a plain file; a stream cannot be continued.")

    def _without_use(self) -> list[str]:
        """What was given that means nothing to the bundle, or to the server, that is used."""
        if self.url is not None:
            engine = [item for item in fields(EngineFields) if getattr(self, item.name) != item.default]
            return [f"{_name(item.name)} is for --model; a server has its own engine." for item in engine]
        faults = []
        if self.source.lower() == AUTO:
            faults.append("--source auto is for --url; with --model, name the language of the input.")
        if self.api_key_file is not None:
            faults.append(f"{_name('api_key_file')} is for --url; a bundle asks for no key.")
        return faults


def _refuse(faults: list[str]) -> None:
    if faults:
        raise SettingsError("\n".join(faults))


def _name(name: str) -> str:
    return f"--{name.replace('_', '-')} (or FERRY_{name.upper()})"
