"""One field is flag, variable, default and help; impossible values are refused by name."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from server.engine.types import EngineSettings
from server.errors import SettingsError
from server.lines.command import FileSettings
from server.settings import ServeSettings, read_settings


def read(*argv: str, **environment: str) -> ServeSettings:
    return read_settings(ServeSettings, argv, environment, "doc")


def test_defaults() -> None:
    settings = read()
    assert settings == ServeSettings()
    assert settings.engine == EngineSettings()
    assert (settings.models, settings.host, settings.port) == (Path("models"), "127.0.0.1", 8000)


def test_a_flag_beats_the_variable_and_the_variable_the_default() -> None:
    assert read(FERRY_PORT="1").port == 1
    assert read("--port", "2", FERRY_PORT="1").port == 2
    assert read(FERRY_PORT="").port == 8000
    assert read("--deadline-s=1.5", "--log-level=debug", "--models=/m").deadline_s == 1.5


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--port", "70000"], "--port is '70000'; it must be an integer from 0 to 65535"),
        (["--port", "http"], "--port is 'http'; it must be an integer from 0 to 65535"),
        (["--port", ""], "--port is empty"),
        (["--max-rows", "0"], "--max-rows is '0'; it must be an integer from 1"),
        (["--max-queue-tokens", "-5"], "--max-queue-tokens is '-5'; it must be an integer of at least 1"),
        (["--deadline-s", "nan"], "--deadline-s is 'nan'; it must be a number from 0.001"),
        (["--grace-s", "inf"], "--grace-s is 'inf'"),
        (["--log-level", "loud"], "--log-level is 'loud'; it must be one of debug, info, warning, error"),
        (["--max-rows", "4"], "--max-beam-size is 8; it must be at most --max-rows 4"),
    ],
)
def test_impossible_values_are_refused_by_name(argv: list[str], says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        read(*argv)


def test_a_variable_at_fault_is_named_and_all_faults_are_told() -> None:
    with pytest.raises(SettingsError) as raised:
        read("--port", "x", FERRY_MAX_TEXTS="y")
    assert "--port is 'x'" in str(raised.value)
    assert "FERRY_MAX_TEXTS is 'y'" in str(raised.value)


def test_an_unknown_flag_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        read("--prot", "1")
    assert raised.value.code == 2
    assert "--prot" in capsys.readouterr().err


def test_help_names_each_flag_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--help")
    shown = " ".join(capsys.readouterr().out.split())
    for item in fields(ServeSettings):
        assert "--" + item.name.replace("_", "-") in shown
        default = {None: "optional", "": "default none"}.get(item.default, f"default {item.default}")
        assert f"{default}; FERRY_{item.name.upper()}" in shown


def test_what_is_required_is_said() -> None:
    with pytest.raises(SettingsError, match="--source is missing: language") as raised:
        read_settings(FileSettings, ["--progress"], {}, "doc")
    assert "--target is missing" in str(raised.value)


def test_optional_values_have_their_type() -> None:
    argv = ["--model=m", "--source=de", "--target=en", "--beam-size=3", "--progress"]
    settings = read_settings(FileSettings, argv, {"FERRY_LENGTH_PENALTY": "0.5"}, "doc")
    assert (settings.beam_size, settings.length_penalty, settings.progress) == (3, 0.5, True)
    assert (settings.input, settings.output) == (None, None)
