from pathlib import Path

import pytest

from training.config import ConfigError
from training.settings import load_settings


def test_overrides_and_defaults(config: Path) -> None:
    settings = load_settings(config, ["optim.learning_rate=5e-4", "model.decoder_mixing=ssru", "run.seed=7"])
    assert settings.optim.learning_rate == 5e-4
    assert settings.model.decoder_mixing == "ssru"
    assert settings.run.seed == 7
    assert settings.optim.label_smoothing == 0.1
    assert settings.pairs() == (("de", "en"), ("en", "de"))


def test_every_fault_is_told_at_once(config: Path) -> None:
    overrides = ["optim.learning_rat=1", "model.d_model=big", "run.seed=1.5", "model.norm=batch"]
    with pytest.raises(ConfigError) as error:
        load_settings(config, overrides)
    message = str(error.value)
    assert "did you mean optim.learning_rate?" in message
    assert "model.d_model = 'big'; expected int" in message
    assert "run.seed = 1.5; expected int" in message
    assert "model.norm = 'batch'; expected 'rmsnorm' or 'layernorm'" in message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.num_heads=3", "not a multiple of model.num_heads"),
        ("optim.max_batch_tokens=8", "cannot hold one sentence"),
        ("optim.max_steps=0", "must be above 0"),
        ("data.root=/nowhere", "/nowhere/train.de.gz does not exist"),
        ("nonsense", "write it as key=value"),
        ("noise.typos=1.5", r"noise.typos = 1.5; it is a share of the lines, 0 \(none\) to 1 \(all\)"),
        ("noise.copies=-1", "noise.copies = -1; it must be 0 to 100"),
    ],
)
def test_impossible_values_are_refused(config: Path, override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_settings(config, [override])


def test_missing_file_and_bad_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[run\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_settings(tmp_path / "bad.toml")


def test_corpora_need_names_of_their_own(config: Path) -> None:
    text = config.read_text()
    start, end = text.index("[[corpora]]"), text.index("[[validation]]")
    config.write_text(text[start:end] + text)
    with pytest.raises(ConfigError, match="corpora 'grammar': there are several of this name"):
        load_settings(config)


def test_directions_must_fit_the_languages(config: Path) -> None:
    text = config.read_text().replace('files = ["train', 'directions = ["de-fr"]\nfiles = ["train')
    config.write_text(text)
    with pytest.raises(ConfigError, match="direction 'de-fr' is not between de and en"):
        load_settings(config)
