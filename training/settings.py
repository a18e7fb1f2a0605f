"""Every setting of a training run, with its default, unit and meaning, said once.

A run is described by one TOML file; `docs/training.md` walks through it. Lengths are in ids, EOS and tag included.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from training.config import ConfigError, build, read_config
from training.model import ModelSettings


@dataclass(frozen=True)
class CorpusSettings:
    """Two aligned files, one sentence a line, plain or .gz.

    Attributes:
        name: how progress and reports call it.
        languages: the two languages, in the order of `files`.
        files: the two paths, relative to `data.root`.
        directions: such as "de-en"; empty means both.
        weight: how often a line is drawn compared with a line of weight 1.
    """

    name: str
    languages: tuple[str, ...]
    files: tuple[str, ...]
    directions: tuple[str, ...] = ()
    weight: float = 1.0

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The (source, target) directions this corpus is used in."""
        one, other = self.languages
        if not self.directions:
            return (one, other), (other, one)
        return tuple((source, target) for source, _, target in (d.partition("-") for d in self.directions))


@dataclass(frozen=True)
class DataSettings:
    """Where text comes from and what is thrown away.

    Attributes:
        root: folder that relative corpus paths start from.
        max_length: longest source or target, in ids; longer pairs are dropped.
        max_chars: longest line, in characters, checked before tokenising.
        max_length_ratio: longest over shortest side, in characters, lines of under 20 characters apart.
        min_script_share: share of a line's letters that must be of its language's script.
        drop_duplicates: keep the first of equal pairs, over all corpora.
        max_validation_lines: lines of each validation corpus that are used, per direction.
    """

    root: str = "."
    max_length: int = 128
    max_chars: int = 800
    max_length_ratio: float = 3.0
    min_script_share: float = 0.7
    drop_duplicates: bool = True
    max_validation_lines: int = 500


@dataclass(frozen=True)
class TokenizerSettings:
    """SentencePiece, trained on the cleaned corpora unless `path` names a model to use as it is.

    Attributes:
        sample_lines: lines per language it is trained on, drawn as the corpora's weights say.
    """

    path: str = ""
    vocab_size: int = 8000
    model_type: Literal["unigram", "bpe"] = "unigram"
    character_coverage: float = 0.9999
    sample_lines: int = 400_000


@dataclass(frozen=True)
class OptimSettings:
    """How the weights move.

    Attributes:
        precision: bf16 keeps weights and activations in bfloat16 over float32 master weights.
        max_batch_tokens: padded ids of one batch, longest side x sentences.
        accumulate: batches whose gradients make one update.
        schedule: after warm-up, `linear` to zero at max_steps; `wsd` constant, then linear to zero over the last
            `decay_steps`; `inverse_sqrt` of the step.
        clip_norm: largest gradient norm; 0 does not clip.
    """

    precision: Literal["fp32", "bf16"] = "bf16"
    learning_rate: float = 1.5e-3
    schedule: Literal["linear", "wsd", "inverse_sqrt"] = "linear"
    warmup_steps: int = 400
    decay_steps: int = 2000
    max_steps: int = 20_000
    betas: tuple[float, ...] = (0.9, 0.98)
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    clip_norm: float = 1.0
    max_batch_tokens: int = 4096
    accumulate: int = 1


@dataclass(frozen=True)
class RunSettings:
    """The run itself.

    Attributes:
        dir: folder of everything the run writes.
        validate_every: steps between validations; each also writes a checkpoint.
        keep_last: checkpoints kept besides the best one; as many are averaged at the end.
        select: what makes a checkpoint the best: mean validation BLEU, chrF, or loss.
        num_threads: CPU threads; 0 takes what the process may use.
    """

    dir: str = "runs/default"
    seed: int = 1
    device: str = "cpu"
    num_threads: int = 0
    log_every: int = 20
    validate_every: int = 1000
    keep_last: int = 4
    select: Literal["bleu", "chrf", "loss"] = "bleu"


@dataclass(frozen=True)
class TrainSettings:
    """One training run, complete."""

    corpora: tuple[CorpusSettings, ...]
    validation: tuple[CorpusSettings, ...]
    data: DataSettings = field(default_factory=DataSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    optim: OptimSettings = field(default_factory=OptimSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All (source, target) directions trained, sorted."""
        return tuple(sorted({pair for corpus in self.corpora for pair in corpus.pairs()}))

    def languages(self) -> tuple[str, ...]:
        """All languages, sorted."""
        return tuple(sorted({language for corpus in self.corpora for language in corpus.languages}))


def load_settings(path: Path, overrides: Sequence[str] = ()) -> TrainSettings:
    """The settings in the TOML file `path`, with `--set` overrides, checked.

    Raises:
        ConfigError: with every fault found.
    """
    try:
        settings = build(TrainSettings, read_config(path, overrides))
    except ConfigError as error:
        raise ConfigError(f"{path}:\n" + _listed(str(error).splitlines())) from None
    faults = _faults(settings)
    if faults:
        raise ConfigError(f"{path}:\n" + _listed(faults))
    return settings


def corpus_paths(corpus: CorpusSettings, data: DataSettings) -> tuple[Path, Path]:
    """The corpus' two files."""
    one, other = (Path(data.root) / name for name in corpus.files)
    return one, other


def without_paths(settings: TrainSettings) -> TrainSettings:
    """The same settings without folders of the machine they ran on, for what is given to others."""
    return replace(settings, data=replace(settings.data, root="."), run=replace(settings.run, dir="."))


def _listed(faults: Sequence[str]) -> str:
    return "\n".join(f"  - {fault}" for fault in faults)


def _faults(settings: TrainSettings) -> list[str]:
    faults = settings.model.faults()
    for kind, corpora in (("corpora", settings.corpora), ("validation", settings.validation)):
        if not corpora:
            faults.append(f"[[{kind}]] is empty; at least one corpus is needed")
        for corpus in corpora:
            faults += _corpus_faults(corpus, settings.data, kind)
    optim, run = settings.optim, settings.run
    positive = {
        "optim.learning_rate": optim.learning_rate,
        "optim.max_steps": optim.max_steps,
        "optim.accumulate": optim.accumulate,
        "optim.warmup_steps": optim.warmup_steps,
        "run.validate_every": run.validate_every,
        "run.log_every": run.log_every,
        "run.keep_last": run.keep_last,
        "data.max_validation_lines": settings.data.max_validation_lines,
    }
    faults += [f"{name} = {value}; it must be above 0" for name, value in positive.items() if value <= 0]
    if not 0 <= optim.label_smoothing < 1:
        faults.append(f"optim.label_smoothing = {optim.label_smoothing} is outside [0, 1)")
    if len(optim.betas) != 2:
        faults.append(f"optim.betas has {len(optim.betas)} values; AdamW takes two")
    if optim.max_batch_tokens < settings.data.max_length:
        faults.append(
            f"optim.max_batch_tokens = {optim.max_batch_tokens} cannot hold one sentence of "
            f"data.max_length = {settings.data.max_length}"
        )
    return faults


def _corpus_faults(corpus: CorpusSettings, data: DataSettings, kind: str) -> list[str]:
    where = f"{kind} {corpus.name!r}"
    if len(corpus.languages) != 2 or len(corpus.files) != 2:
        return [f"{where}: languages and files take two values each, in the same order"]
    faults = [
        f"{where}: direction {'-'.join(pair)!r} is not between {corpus.languages[0]} and {corpus.languages[1]}"
        for pair in corpus.pairs()
        if set(pair) != set(corpus.languages)
    ]
    if corpus.weight <= 0:
        faults.append(f"{where}: weight = {corpus.weight}; it must be above 0 (or leave the corpus out)")
    missing = [path for path in corpus_paths(corpus, data) if not path.is_file()]
    return faults + [f"{where}: {path} does not exist; see data.root" for path in missing]
