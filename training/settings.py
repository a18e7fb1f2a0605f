"""Every setting of a training run, with its default, unit and meaning, said once.

A run is described by one TOML file; `docs/training.md` walks through it. Lengths are in ids, EOS and tag included.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from training.config import ConfigError, build, read_config
from training.model import ModelSettings

MAX_NOISE_COPIES = 100
FORMAL_LANGUAGES = ("de",)  # in which `training.data.formality` knows forms of address


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
        drop_near_duplicates: with them, also of pairs that differ only in case, punctuation, digits and white space.
        leaked: what happens to pairs that are also in a validation or test file: `drop_sides` drops those of which
            one side is, `drop_pairs` those of which both are; `keep` only reports them.
        sampling_temperature: corpora are drawn in proportion to weight x lines^(1 / temperature).
        max_validation_lines: lines of each validation corpus that are used, per direction.
    """

    root: str = "."
    max_length: int = 128
    max_chars: int = 800
    max_length_ratio: float = 3.0
    min_script_share: float = 0.7
    drop_duplicates: bool = True
    drop_near_duplicates: bool = True
    leaked: Literal["drop_sides", "drop_pairs", "keep"] = "drop_pairs"
    sampling_temperature: float = 1.0
    max_validation_lines: int = 500


@dataclass(frozen=True)
class TokenizerSettings:
    """SentencePiece, trained on the cleaned corpora unless `path` names a model to use as it is.

    Attributes:
        sample_lines: lines per language it is trained on, drawn as the corpora's weights say. SentencePiece needs some
            3 kB of memory for each.
        variants: further segmentations of every training line, drawn at random once; rounds of training take turns
            among them and the best one (subword regularisation). 0 keeps the best one only.
        sampling_alpha: how they are drawn: inverse temperature for unigram (0.1 to 0.5), share of merges dropped for
            bpe (about 0.1).
        lowercase: the tokenizer lower-cases all text, so the model reads any case and writes lower case only.
    """

    path: str = ""
    vocab_size: int = 8000
    model_type: Literal["unigram", "bpe"] = "unigram"
    character_coverage: float = 0.9999
    sample_lines: int = 200_000
    variants: int = 0
    sampling_alpha: float = 0.1
    lowercase: bool = False


@dataclass(frozen=True)
class NoiseSettings:
    """Changes to training text that make a model robust: each has the share, 0 to 1, of the lines that it is tried on.

    Both sides are changed alike, apart from typos. A line may have several changes, or none.

    Attributes:
        copies: changed versions of every line besides the first; rounds of training take turns among them.
        marks: stand-ins such as `X7`, one to four, at places that stand for each other.
        names: copied names replaced by rare ones and ones in other alphabets.
        numbers: copied numbers replaced, or a measure added, as each language writes them.
        emoji: emoji and signs, at the ends or beside words that stand for each other.
        quotes: plain and printed quotes.
        emphasis: one word in capitals.
        ending: final punctuation left out, doubled or another.
        capitals: the line in capitals.
        title: a capital at every word.
        lower: the line in lower case.
        merged: two to four lines that follow each other as one.
        words: a single word with its translation instead of the line.
        typos: slips in the source alone.
    """

    copies: int = 3
    marks: float = 0.0
    names: float = 0.0
    numbers: float = 0.0
    emoji: float = 0.0
    quotes: float = 0.0
    emphasis: float = 0.0
    ending: float = 0.0
    capitals: float = 0.0
    title: float = 0.0
    lower: float = 0.0
    merged: float = 0.0
    words: float = 0.0
    typos: float = 0.0

    def shares(self) -> dict[str, float]:
        """The share of every change."""
        return {name: share for name, share in asdict(self).items() if name != "copies"}

    def any(self) -> bool:
        """Whether anything is changed at all."""
        return any(self.shares().values())


@dataclass(frozen=True)
class FormalitySettings:
    """Whether a translation's form of address can be asked for: a mark in the source says what the target's words say.

    Attributes:
        targets: languages into which it can be, such as "de"; none for none.
        share: of the lines whose form is known, how many are marked.
    """

    targets: tuple[str, ...] = ()
    share: float = 0.5


@dataclass(frozen=True)
class OptimSettings:
    """How the weights move.

    Attributes:
        precision: bf16 keeps weights and activations in bfloat16 over float32 master weights; auto is bf16 where the
            device multiplies in it and fp32 elsewhere.
        max_batch_tokens: padded ids of one batch, longest side x sentences.
        accumulate: batches whose gradients make one update, over all processes together; a multiple of their number.
        schedule: after warm-up, `linear` to zero at max_steps; `wsd` constant, then linear to zero over the last
            `decay_steps`; `inverse_sqrt` of the step.
        clip_norm: largest gradient norm; 0 does not clip.
        ema_decay: of the exponential moving average of the weights, which is then what is validated and exported;
            0 keeps none.
        spike_ratio: an update whose gradient norm is this many times the usual one is skipped; 0 skips none.
        max_skipped: skipped updates in a row after which the run stops.
        compile: compile the model with torch.compile.
    """

    precision: Literal["auto", "fp32", "bf16"] = "auto"
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
    ema_decay: float = 0.0
    spike_ratio: float = 0.0
    max_skipped: int = 10
    compile: bool = False


@dataclass(frozen=True)
class RunSettings:
    """The run itself.

    Attributes:
        dir: folder of everything the run writes.
        device: cpu, or cuda; with several processes on a machine each takes a GPU of its own.
        init_from: checkpoint folder whose weights the run starts from; its tokenizer is taken over with them, and the
            special ids of a model that was imported.
        validate_every: steps between validations; each also writes a checkpoint.
        keep_last: checkpoints kept besides the best one; as many are averaged at the end.
        select: what makes a checkpoint the best: mean validation BLEU, chrF, or loss.
        patience: validations without a better one after which the run ends; 0 always goes on to max_steps.
        num_threads: CPU threads of each process; 0 takes what they may use, in equal shares.
    """

    dir: str = "runs/default"
    seed: int = 1
    device: str = "cpu"
    init_from: str = ""
    num_threads: int = 0
    log_every: int = 20
    validate_every: int = 1000
    keep_last: int = 4
    select: Literal["bleu", "chrf", "loss"] = "bleu"
    patience: int = 0


@dataclass(frozen=True)
class TrainSettings:
    """One training run, complete.

    Attributes:
        corpora: what is trained on.
        validation: what tells when to stop and which checkpoint is best.
        test: what the result will be judged on. A run never reads these but to see that no corpus contains them.
    """

    corpora: tuple[CorpusSettings, ...]
    validation: tuple[CorpusSettings, ...]
    test: tuple[CorpusSettings, ...] = ()
    data: DataSettings = field(default_factory=DataSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    formality: FormalitySettings = field(default_factory=FormalitySettings)
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
        raise ConfigError(f"{path}:\n" + _list_faults(str(error).splitlines())) from None
    faults = _faults(settings)
    if faults:
        raise ConfigError(f"{path}:\n" + _list_faults(faults))
    return settings


def corpus_paths(corpus: CorpusSettings, data: DataSettings) -> tuple[Path, Path]:
    """The corpus' two files."""
    one, other = (Path(data.root) / name for name in corpus.files)
    return one, other


def without_paths(settings: TrainSettings) -> TrainSettings:
    """The same settings without folders of the machine they ran on, for what is given to others."""
    return replace(settings, data=replace(settings.data, root="."), run=replace(settings.run, dir=".", init_from=""))


def _list_faults(faults: Sequence[str]) -> str:
    return "\n".join(f"  - {fault}" for fault in faults)


def _faults(settings: TrainSettings) -> list[str]:
    faults = settings.model.faults()
    for kind, corpora in (("corpora", settings.corpora), ("validation", settings.validation), ("test", settings.test)):
        if not corpora and kind != "test":
            faults.append(f"[[{kind}]] is empty; at least one corpus is needed")
        for corpus in corpora:
            faults += _corpus_faults(corpus, settings.data, kind)
    names = [corpus.name for corpus in settings.corpora]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [f"corpora {name!r}: there are several of this name; each needs its own" for name in twice]
    optim, run = settings.optim, settings.run
    positive = {
        "optim.learning_rate": optim.learning_rate,
        "optim.max_steps": optim.max_steps,
        "optim.accumulate": optim.accumulate,
        "optim.warmup_steps": optim.warmup_steps,
        "run.validate_every": run.validate_every,
        "run.log_every": run.log_every,
        "run.keep_last": run.keep_last,
        "optim.max_skipped": optim.max_skipped,
        "data.max_validation_lines": settings.data.max_validation_lines,
        "data.sampling_temperature": settings.data.sampling_temperature,
    }
    faults += [f"{name} = {value}; it must be above 0" for name, value in positive.items() if value <= 0]
    if not 0 <= optim.label_smoothing < 1:
        faults.append(f"optim.label_smoothing = {optim.label_smoothing} is outside [0, 1)")
    if not 0 <= optim.ema_decay < 1:
        faults.append(f"optim.ema_decay = {optim.ema_decay} is outside [0, 1)")
    if optim.spike_ratio and optim.spike_ratio <= 1:
        faults.append(f"optim.spike_ratio = {optim.spike_ratio} would skip usual updates; 0 (off) or above 1")
    if settings.tokenizer.variants < 0 or not 0 <= settings.tokenizer.sampling_alpha <= 1:
        faults.append("tokenizer.variants must be 0 or more and tokenizer.sampling_alpha within [0, 1]")
    faults += [
        f"noise.{name} = {share}; it is a share of the lines, 0 (none) to 1 (all)"
        for name, share in settings.noise.shares().items()
        if not 0 <= share <= 1
    ]
    if not 0 <= settings.noise.copies <= MAX_NOISE_COPIES:
        faults.append(
            f"noise.copies = {settings.noise.copies}; it must be 0 to {MAX_NOISE_COPIES}: each is all ids again"
        )
    faults += _formality_faults(settings)
    if len(optim.betas) != 2:
        faults.append(f"optim.betas has {len(optim.betas)} values; AdamW takes two")
    if optim.max_batch_tokens < settings.data.max_length:
        faults.append(
            f"optim.max_batch_tokens = {optim.max_batch_tokens} cannot hold one sentence of "
            f"data.max_length = {settings.data.max_length}"
        )
    return faults


def _formality_faults(settings: TrainSettings) -> list[str]:
    formality, translated = settings.formality, {target for _, target in settings.pairs()}
    faults = [
        f"formality.targets has {target!r}; it must be a language that is translated into, and one whose words tell: "
        + ", ".join(FORMAL_LANGUAGES)
        for target in formality.targets
        if target not in translated or target not in FORMAL_LANGUAGES
    ]
    if not 0 < formality.share <= 1:
        faults.append(f"formality.share = {formality.share}; it is a share of the lines, above 0 and up to 1 (all)")
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
