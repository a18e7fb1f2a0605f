"""A checkpoint of ours as the source of a bundle, or one that ferry-train made of an imported model."""

from export.sources.source import Source
from server.bundle import Formality, LanguagePair, SpecialIds
from training.checkpoint import Checkpoint
from training.data.formality import MARKS


def from_checkpoint(checkpoint: Checkpoint) -> Source:
    """What `checkpoint` has.

    In a model of our own a language's tag goes before the source ids, and one tokenizer serves both sides.
    """
    scheme, aligns = checkpoint.scheme, checkpoint.settings.model.alignment_layer
    files = [checkpoint.tokenizer, *([checkpoint.target_tokenizer] if checkpoint.target_tokenizer else [])]
    return Source(
        family="",
        model=checkpoint.model,
        tokenizers=tuple(file.read_bytes() for file in files),
        pairs=tuple(_describe(checkpoint, source, target) for source, target in checkpoint.pairs),
        special_ids=SpecialIds(pad=scheme.pad, unk=scheme.unk, bos=scheme.bos, eos=scheme.eos),
        suppressed_ids=scheme.suppressed,
        max_source_length=checkpoint.max_source_length,
        max_target_length=checkpoint.max_target_length,
        samples=checkpoint.samples,
        alignment_layer=None if aligns < 0 else aligns,
    )


def _describe(checkpoint: Checkpoint, source: str, target: str) -> LanguagePair:
    prefix, formality = checkpoint.scheme.pairs[source, target], None
    if target in checkpoint.settings.formality.targets:
        formality = Formality(more=(*prefix, MARKS["formal"]), less=(*prefix, MARKS["informal"]))
    return LanguagePair(source, target, prefix, formality)
