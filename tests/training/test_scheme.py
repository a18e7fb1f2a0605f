"""Special ids of a model that was imported: kept with its tokenizer, put around text, never trained away."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.imported import model_options, write_imported
from tests.training.test_batches import assert_equal
from training.checkpoint import read_checkpoint
from training.config import ConfigError
from training.data.batches import BatchPlan, build_batch
from training.data.rows import Roles, choose_roles
from training.data.scheme import Prefix, read_scheme
from training.data.store import prepare
from training.data.tokenizer import TokenizerError, find_tokenizer
from training.settings import TrainSettings, load_settings
from training.train import Trainer, main
from training.validate import read_validation, validate_set

BOTH = (Prefix("de", "en", (7, 5)), Prefix("en", "de", ()))


def settings_of(config: Path, *overrides: str) -> TrainSettings:
    start = config.parent / "start"
    return load_settings(config, [f"run.init_from={start}", *model_options(), *overrides])


def one_way(config: Path) -> None:
    text = config.read_text()
    config.write_text(text.replace('languages = ["de", "en"]', 'languages = ["de", "en"]\ndirections = ["de-en"]'))


def test_a_scheme_comes_back_and_what_is_none_is_told(tmp_path: Path) -> None:
    scheme = write_imported(tmp_path / "start", BOTH)
    assert read_scheme(tmp_path / "start") == scheme
    assert read_scheme(tmp_path) is None
    assert scheme.num_extra == 3
    path = tmp_path / "start" / "scheme.json"
    path.write_text(path.read_text().replace('"pad": 0', '"pads": 0'))
    with pytest.raises(ConfigError, match=r"scheme.json.pads is not a setting; did you mean scheme.json.pad\?"):
        read_scheme(tmp_path / "start")


@pytest.mark.parametrize("overrides", [[], ["tokenizer.variants=1"], ["noise.copies=1", "noise.typos=0.5"]])
def test_each_side_is_cut_by_its_own_tokenizer_whichever_way(config: Path, overrides: list[str]) -> None:
    """Both directions in a batch, one with a prefix of two ids and one without; against one put together slowly."""
    scheme = write_imported(config.parent / "start", BOTH)
    settings = settings_of(config, *overrides)
    tokenizer, corpora = prepare(settings, 1)
    assert choose_roles(tokenizer, settings.corpora[0]) == Roles(("target", "target"), ("source", "source"))
    plan = BatchPlan(corpora, tokenizer.scheme, 400, 1)
    batches = plan.round(1)
    texts = {name: set() for name in ("de", "en")}
    for batch, place in zip(batches, batches.order, strict=True):
        sources, targets = [], []
        for number in range(batches.cuts[place], batches.cuts[place + 1]):
            stream = plan.streams[batches.streams[number]]
            row = batches.rows[number]
            read, written = (
                ids[offsets[row] : offsets[row + 1]].tolist() for ids, offsets in (stream.rows(0), stream.rows(1))
            )
            sources.append([*scheme.pairs[stream.source, stream.target], *read, scheme.eos])
            targets.append(written)
            texts[stream.source].add(tokenizer.processor.decode(read))
        assert_equal(batch, build_batch(sources, targets, scheme))
        longest = max(batch.source_ids.shape[1], batch.target_ids.shape[1])
        assert len(batch.source_ids) * longest <= 400
        assert batch.counted.sum() == batch.num_target_tokens
    if not overrides:
        line = corpora[0].line("en", 0).tolist()
        (english,) = tokenizer.decode([line])
        assert tokenizer.encode([english], side="target") == [line]
        assert tokenizer.encode([english], side="source") != [line]


def test_a_corpus_of_one_direction_is_stored_once(config: Path) -> None:
    one_way(config)
    write_imported(config.parent / "start")
    tokenizer, (corpus,) = prepare(settings_of(config), 1)
    assert not list((config.parent / "run" / "data").rglob("*.source.bin"))
    for side, language in (("source", "de"), ("target", "en")):
        processor = tokenizer.processors[side]  # type: ignore[index]
        ids = corpus.line(language, 3).tolist()
        assert processor.encode(processor.decode(ids)) == ids


def test_text_beyond_the_vocabulary_and_ids_beyond_the_pieces(tmp_path: Path) -> None:
    scheme = write_imported(tmp_path / "start")
    tokenizer = find_tokenizer(tmp_path / "start", ["de", "en"])
    (ids,) = tokenizer.encode(["der Hund"], side="target")
    assert tokenizer.decode([[*ids, scheme.unk, scheme.bos, scheme.eos]]) == tokenizer.decode([ids])


def test_a_run_keeps_the_ids_and_the_zero_start(config: Path, tmp_path: Path) -> None:
    one_way(config)
    scheme = write_imported(tmp_path / "start")
    options = [word for each in model_options() for word in ("--set", each)]
    command = [str(config), *options, "--set", f"run.init_from={tmp_path / 'start'}"]
    command += ["--set", "optim.ema_decay=0.5", "--set", "tokenizer.variants=1"]
    assert main([*command, "--set", "optim.max_steps=4"]) == 0
    assert main([*command, "--resume"]) == 0
    found = read_checkpoint(tmp_path / "run" / "checkpoints" / "last")
    assert found.scheme == found.imported == scheme
    assert (found.suppressed_ids, found.tag_ids) == ((scheme.unk, scheme.bos), {})
    assert found.target_tokenizer is not None
    assert found.target_tokenizer.read_bytes() == (tmp_path / "start" / "target_tokenizer.model").read_bytes()
    assert found.model.logits_bias is not None
    assert not found.model.target_embedding.weight[scheme.bos].any()
    assert found.model.logits_bias[scheme.bos] == -1e4
    assert found.model.logits_bias[: scheme.bos].any()


def test_a_run_is_resumed_with_its_own_tokenizers_alone(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_way(config)
    scheme = write_imported(tmp_path / "start")
    options = [word for each in model_options() for word in ("--set", each)]
    command = [str(config), *options, "--set", f"run.init_from={tmp_path / 'start'}"]
    assert main([*command, "--set", "optim.max_steps=1"]) == 0
    path = tmp_path / "start" / "scheme.json"
    path.write_text(path.read_text().replace(f'"bos": {scheme.bos}', '"bos": 0'))
    assert main([*command, "--resume"]) == 2
    assert "was trained with another tokenizer" in capsys.readouterr().err


def test_validation_says_what_slow_decoding_says(config: Path) -> None:
    one_way(config)
    write_imported(config.parent / "start")
    trainer = Trainer(settings_of(config), resume=False)
    (each,) = read_validation(trainer.settings)
    scores, hypotheses = validate_set(trainer.model.eval(), trainer.tokenizer, each, 40, 400, lambda: False)
    assert len(hypotheses) == len(each.sources)
    assert scores["loss"] == pytest.approx(np.log(trainer.tokenizer.scheme.target_vocab_size), abs=2)


def test_what_the_model_lacks_is_named(config: Path) -> None:
    write_imported(config.parent / "start")
    settings = settings_of(config, "formality.targets=['de']")
    with pytest.raises(TokenizerError) as refused:
        prepare(settings, 1)
    for words in (
        "corpora 'grammar': direction en-de; the model of run.init_from = ",
        'translates de-en; give the corpus its directions, such as directions = ["de-en"]',
        "validation 'grammar': direction en-de",
        "formality.targets = ['de']: the model of run.init_from",
    ):
        assert words in str(refused.value)
    alone = replace(settings, run=replace(settings.run, init_from=""))
    path = str(config.parent / "start" / "tokenizer.model")
    with pytest.raises(TokenizerError, match="has pad, unk, bos and eos at"):
        prepare(replace(alone, tokenizer=replace(alone.tokenizer, path=path)), 1)


def test_learned_positions_end_where_their_table_does(config: Path, tmp_path: Path) -> None:
    assert main([str(config), "--set", "optim.max_steps=1", "--set", "model.positions=learned"]) == 2
    learned = ["--set", "model.positions=learned", "--set", "model.max_positions=45"]
    assert main([str(config), "--set", "optim.max_steps=1", *learned]) == 0
    found = read_checkpoint(tmp_path / "run" / "checkpoints" / "last")
    assert (found.max_source_length, found.max_target_length) == (40, 45)


def test_rows_of_zeros_stay_in_bf16_too(config: Path) -> None:
    one_way(config)
    scheme = write_imported(config.parent / "start")
    trainer = Trainer(settings_of(config, "optim.precision=bf16"), resume=False)
    before = trainer.optimizer.masters["logits_bias"].detach().clone()
    trainer.update(trainer.batches())
    after = trainer.optimizer.masters["logits_bias"]
    assert not torch.equal(before, after)
    assert after[scheme.bos] == -1e4
    assert not trainer.model.target_embedding.weight[scheme.bos].any()
