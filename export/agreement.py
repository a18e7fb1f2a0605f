"""How near the translations of a bundle come to those that its model's makers have published."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sacrebleu.metrics.chrf import CHRF

from export.errors import ExportError
from export.lines import spread
from export.published import PublishedLine
from export.sources.pieces import is_target_tag, list_pieces
from server.bundle import Agreement, Bundle
from server.engine.engine import Engine
from server.engine.types import EngineSettings, SearchOptions
from server.text.tokenizer import Tokenizer

# Searched, from all over a file: a score of chrF moves little with more.
MAX_LINES = 200
# Between a bundle's translations and those of the model it is of. Another search, and int8, change some words of some
# lines; pieces or ids that are wrong leave next to nothing of a translation. Measured on a model of 250 updates, whose
# choices hang on little, with four of Marian's beams: 96.1 in fp32, 86.1 in int8, 79.6 with other positions (which a
# model of usual width hardly feels), and 0 against the translations of another model with the same pieces.
MIN_CHRF = 70.0


def check_agreement(bundle: Bundle, name: Path, lines: Sequence[PublishedLine]) -> Agreement:
    """Translate sources of `lines`, which are of the file `name`, as the bundle's requests are searched.

    Raises:
        ExportError: no line is in a direction of the bundle, or the translations are too far from those of the file.
    """
    tokenizer = Tokenizer.load(*bundle.tokenizers())
    prefixes = _list_prefixes(bundle)
    chosen = [(line, ids) for line in lines if (ids := _encode(bundle, tokenizer, prefixes, line))]
    if not chosen:
        raise ExportError(
            f"{name} has no line that can be compared: each must fit the model and, where that has several directions, "
            "begin with what names the target, such as >>deu<<; give --pair for one direction alone"
        )
    chosen = spread(chosen, MAX_LINES)
    found = [text.strip() for text in _translate(bundle, tokenizer, [ids for _, ids in chosen])]
    wanted = [line.translation for line, _ in chosen]
    numbers = [line.number for (line, _), a, b in zip(chosen, found, wanted, strict=True) if a != b]
    search, identical = bundle.manifest.search, 1 - len(numbers) / len(chosen)
    agreement = Agreement(
        file=name.name,
        num_lines=len(chosen),
        beam_size=search.beam_size,
        length_penalty=search.length_penalty,
        identical=identical,
        chrf=CHRF().corpus_score(found, [wanted]).score,
    )
    if agreement.chrf < MIN_CHRF:
        raise ExportError(
            f"the translations are not those of {name}: chrF {agreement.chrf:.1f} between both, at least {MIN_CHRF:g} "
            f"is needed; {identical:.1%} of {len(chosen)} lines are identical, and the first that is not has its "
            f"source in line {numbers[0]}. Is it of this model and direction? If so, see --normalise, --positions and "
            "--vocab"
        )
    return agreement


def describe_agreement(agreement: Agreement) -> str:
    """A line for whoever waits."""
    return (
        f"{agreement.num_lines} lines of {agreement.file} against the model's own translations, beam "
        f"{agreement.beam_size}: {agreement.identical:.1%} identical, chrF {agreement.chrf:.2f}"
    )


def _list_prefixes(bundle: Bundle) -> dict[str, tuple[int, ...]]:
    """The ids before source ids, by the piece that asks for them; by nothing where all directions have the same."""
    prefixes = {pair.prefix_ids for pair in bundle.manifest.pairs}
    pieces = list_pieces(bundle.file("tokenizer").read_bytes())
    found = {pieces[ids[0]]: ids for ids in prefixes if len(ids) == 1}
    return found | (dict.fromkeys([""], *prefixes) if len(prefixes) == 1 else {})


def _encode(
    bundle: Bundle, tokenizer: Tokenizer, prefixes: Mapping[str, tuple[int, ...]], line: PublishedLine
) -> list[int] | None:
    """The whole line as one source, in the direction that its first word asks for; None if it cannot be one."""
    tag, _, rest = line.source.partition(" ")
    tag, text = (tag, rest) if is_target_tag(tag) else ("", line.source)
    if tag not in prefixes:
        return None
    ids = [*prefixes[tag], *tokenizer.encode(text), bundle.manifest.special_ids.eos]
    return ids if len(ids) <= bundle.manifest.dimensions.max_source_length else None


def _translate(bundle: Bundle, tokenizer: Tokenizer, sources: Sequence[Sequence[int]]) -> list[str]:
    search = bundle.manifest.search
    options = SearchOptions(beam_size=search.beam_size, length_penalty=search.length_penalty)
    settings = EngineSettings(max_queue_tokens=sum(map(len, sources)) + 65_536)
    engine = Engine(bundle, settings, lambda error: None)
    engine.start()
    try:
        futures = [engine.submit(ids, options) for ids in sources]
        return [tokenizer.decode(future.result().hypotheses[0].ids) for future in futures]
    finally:
        engine.close(0)
