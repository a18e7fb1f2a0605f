"""A checkpoint of ours as the source of a bundle."""

from export.sources.source import Source
from server.bundle import Formality, LanguagePair, SpecialIds
from training.checkpoint import Checkpoint
from training.data.formality import MARKS
from training.data.tokenizer import BOS, EOS, PAD, UNK


def from_checkpoint(checkpoint: Checkpoint) -> Source:
    """What `checkpoint` has: a language's tag goes before the source ids, and one tokenizer serves both sides."""
    return Source(
        family="",
        model=checkpoint.model,
        tokenizers=(checkpoint.tokenizer.read_bytes(),),
        pairs=tuple(_describe(checkpoint, source, target) for source, target in checkpoint.pairs),
        special_ids=SpecialIds(pad=PAD, unk=UNK, bos=BOS, eos=EOS),
        suppressed_ids=checkpoint.suppressed_ids,
        max_source_length=checkpoint.max_source_length,
        max_target_length=checkpoint.max_target_length,
        samples=checkpoint.samples,
    )


def _describe(checkpoint: Checkpoint, source: str, target: str) -> LanguagePair:
    tag, formality = checkpoint.tag_ids[target], None
    if target in checkpoint.settings.formality.targets:
        formality = Formality(more=(tag, MARKS["formal"]), less=(tag, MARKS["informal"]))
    return LanguagePair(source, target, (tag,), formality)
