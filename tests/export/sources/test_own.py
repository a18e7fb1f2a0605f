"""A checkpoint of ours as the source of a bundle."""

from dataclasses import replace
from pathlib import Path

from export.sources.own import from_checkpoint
from server.bundle import Formality, LanguagePair
from tests.export.toy import TAGS, build_checkpoint
from training.data.tokenizer import BOS, UNK
from training.settings import FormalitySettings


def test_pairs_have_their_tags_and_the_forms_that_were_trained(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").touch()
    checkpoint = build_checkpoint(tokenizer=tmp_path / "tokenizer.model")
    for pair in from_checkpoint(checkpoint).pairs:
        assert pair == LanguagePair(pair.source, pair.target, (TAGS[pair.target],))
    settings = replace(checkpoint.settings, formality=FormalitySettings(targets=("de",)))
    for pair in from_checkpoint(replace(checkpoint, settings=settings)).pairs:
        tag = TAGS[pair.target]
        forms = Formality(more=(tag, BOS), less=(tag, UNK)) if pair.target == "de" else None
        assert pair == LanguagePair(pair.source, pair.target, (tag,), forms)
