"""Models of Marian: npz or .bin and vocabularies, as Marian, OPUS-MT's archives and Firefox have them."""

import re
from collections.abc import Mapping
from pathlib import Path

from export.errors import ExportError
from export.figures import read_figures
from export.sources.directions import Said, choose_pairs, say_directions
from export.sources.files import check_file, hash_files, read_json, read_npz, read_text
from export.sources.marian_binary import read_binary
from export.sources.marian_bpe import build_bpe, has_codes
from export.sources.marian_weights import Weights, convert
from export.sources.marian_yaml import Settings, parse_settings, parse_vocabulary
from export.sources.normalise import prepare
from export.sources.options import MAX_SOURCE_LENGTH, MAX_TARGET_LENGTH, SourceOptions
from export.sources.pieces import Vocabulary, list_pieces, read_model, renumber, silence_tags
from export.sources.source import Source, build_model
from server.bundle import SearchDefaults, SpecialIds

EOS, UNK = "</s>", "<unk>"
# Files of that name beside a model: lists of likely translations, a judge of translations, PyTorch's weights.
OTHER = re.compile(r"lex\b|shortlist|.*\.s2t\.|qualityModel|pytorch_model")
# Marian's own default is 12 beams, of which each costs time.
MAX_BEAM_SIZE = 4


def find_weights(path: Path) -> Path | None:
    """The npz or .bin file that `path` is or holds; None if it holds none. An npz is what a .bin was made of.

    Raises:
        ExportError: it holds several, and no decoder.yml says which.
    """
    if path.suffix in (".npz", ".bin"):
        return path
    found = sorted(path.glob("*.npz")) or sorted(each for each in path.glob("*.bin") if not OTHER.match(each.name))
    if len(found) > 1:
        named = [path / Path(name).name for name in _names(_read_decoder(path), "models")]
        found = [each for each in found if each in named] or found
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise ExportError(f"{path} holds several models ({names}); give the file of one of them")
    return found[0] if found else None


def read_marian(path: Path, options: SourceOptions) -> Source:
    """The model in the npz or .bin file `path`, with what stands beside it.

    Raises:
        ExportError: a file that is missing or damaged, or a kind of model that is not supported.
    """
    arrays = read_binary(path) if path.suffix == ".bin" else read_npz(path)
    decoder = _read_decoder(path.parent, path)
    if "special:model.yml" not in arrays:
        raise ExportError(f"{path} has no special:model.yml in it, which says what kind of model it is; not Marian's?")
    config = parse_settings(arrays["special:model.yml"].tobytes().rstrip(b"\0").decode("utf-8", "replace"))
    weights = convert(config, arrays, "transformers" if options.positions == "transformers" else "marian")
    vocabularies = options.vocabularies or _find_vocabularies(path, decoder)
    sides, tokenizers, files = _read_vocabularies(path, vocabularies, options)
    _check_sizes(sides, len(weights.state["embedding.weight"]), weights.target_size)
    start = weights.target_size
    learned = weights.settings.max_positions
    return Source(
        family="Marian",
        model=build_model(weights.settings, weights.state),
        tokenizers=tokenizers,
        pairs=choose_pairs(sides[0].tags, _say(path), options.pairs),
        # Padding is masked wherever it stands, so that any id will do.
        special_ids=SpecialIds(pad=sides[0].eos, unk=sides[1].unk, bos=start, eos=sides[1].eos),
        # Tables may be filled up with rows that no piece has.
        suppressed_ids=(sides[1].unk, *range(len(sides[1].pieces), start + 1)),
        max_source_length=learned or MAX_SOURCE_LENGTH,
        max_target_length=learned or MAX_TARGET_LENGTH,
        search=_read_search(decoder),
        licence=options.licence,
        files=hash_files([path, *files]),
        figures=_read_figures(path.with_name("metadata.json")),
        alignment_layer=_find_alignment(config, weights),
        input_limits=weights.input_limits,
    )


def _read_figures(path: Path) -> dict[str, float]:
    """What a metadata.json says of the model beside it, as those of Firefox's in Mozilla's repository have one."""
    return read_figures(read_json(path)) if path.is_file() else {}


def _find_alignment(config: Settings, weights: Weights) -> int | None:
    """The layer that was trained to align: all with scales for int8, Firefox's, have one; else nothing says it."""
    if not weights.input_limits:
        return None
    last = weights.settings.num_decoder_layers
    said = config.get("transformer-guided-alignment-layer", "last")
    return int(said) - 1 if isinstance(said, str) and said.isdecimal() and 1 <= int(said) <= last else last - 1


def _read_decoder(folder: Path, model: Path | None = None) -> Settings:
    """The decoder.yml of a model or a folder; empty if there is none."""
    names = [f"{model.name}.decoder.yml"] if model else []
    found = [folder / name for name in (*names, "decoder.yml") if (folder / name).is_file()]
    return parse_settings(read_text(found[0])) if found else {}


def _names(settings: Settings, key: str) -> list[str]:
    value = settings.get(key, [])
    return value if isinstance(value, list) else [value]


def _find_vocabularies(path: Path, decoder: Settings) -> tuple[Path, Path]:
    """The two vocabularies that decoder.yml or the model's own configuration names, or that stand in its folder."""
    folder = path.parent
    beside = folder / f"{path.name}.yml"
    named = _names(decoder, "vocabs")
    if not named and beside.is_file():
        named = _names(parse_settings(read_text(beside)), "vocabs")
    found = [folder / Path(name).name for name in named]
    if not found:
        # Weights are npz or bin, so that these are vocabularies.
        found = sorted([*folder.glob("*vocab*.spm"), *folder.glob("*vocab*.yml")])
    if len(found) not in (1, 2):
        names = ", ".join(each.name for each in found) or "none"
        raise ExportError(f"{folder} has no decoder.yml that names two vocabularies ({names}); give --vocab SRC TGT")
    return check_file(found[0]), check_file(found[-1])


def _is_prepared(folder: Path, options: SourceOptions) -> bool:
    """Whether the text of the model in `folder` was prepared by OPUS-MT's script, as OPUS-MT's archives have it."""
    return options.normalise == "opus" or (options.normalise == "auto" and (folder / "preprocess.sh").is_file())


def _read_vocabularies(
    path: Path, paths: tuple[Path, Path], options: SourceOptions
) -> tuple[list[Vocabulary], tuple[bytes, ...], list[Path]]:
    """Both sides' pieces, what cuts their text (once if it is the same), and the files read."""
    if has_codes(paths[0]):
        sides = [_number(parse_vocabulary(read_text(each), each.name), each) for each in paths]
        pairs = choose_pairs(sides[0].tags, _say(path), options.pairs)
        cutters, used = build_bpe(sides, pairs, paths[0].parent, options)
        return sides, cutters, list(dict.fromkeys([*paths, *used]))
    prepared = _is_prepared(path.parent, options)
    sides, models, files = [], [], []
    for each, side in zip(paths, ("source", "target"), strict=True):
        if each.suffix == ".spm":
            (model, prefixes), used = silence_tags(read_model(each), each.name), [each]
            vocabulary = _number(list_pieces(model), each, prefixes)
        else:
            vocabulary = _number(parse_vocabulary(read_text(each), each.name), each)
            cutter = _find_cutter(each, side)
            model = renumber(read_model(cutter), vocabulary, cutter.name, reads=side == "source")
            used = [each, cutter]
        sides.append(vocabulary)
        models.append(prepare(model, vocabulary.pieces) if prepared else model)
        files += used
    return sides, tuple(dict.fromkeys(models)), list(dict.fromkeys(files))


def _number(pieces: list[str], path: Path, prefixes: Mapping[str, tuple[int, ...]] | None = None) -> Vocabulary:
    missing = [piece for piece in (EOS, UNK) if piece not in pieces]
    if missing:
        raise ExportError(f"{path} has no {' and no '.join(missing)}, which every vocabulary of Marian's has")
    return Vocabulary(pieces, pieces.index(EOS), pieces.index(UNK), prefixes=prefixes or {})


def _find_cutter(vocabulary: Path, side: str) -> Path:
    """The SentencePiece model that cuts text into the pieces of a .yml vocabulary, as OPUS-MT names it."""
    folder = vocabulary.parent
    found = folder / f"{side}.spm"
    if found.is_file():
        return found
    raise ExportError(f"{vocabulary} numbers pieces, and {folder} has no {side}.spm or .bpe that cuts text into them")


def _check_sizes(sides: list[Vocabulary], source_size: int, target_size: int) -> None:
    for side, vocabulary, size in zip(("source", "target"), sides, (source_size, target_size), strict=True):
        if len(vocabulary.pieces) > size:
            raise ExportError(
                f"the {side} vocabulary has {len(vocabulary.pieces)} pieces, and the model only {size}; give those "
                "that it was trained with, as --vocab SRC TGT"
            )
    if sides[0].eos != sides[1].eos:
        raise ExportError(f"{EOS} is {sides[0].eos} on one side and {sides[1].eos} on the other; it must be the same")


def _say(path: Path) -> Said | None:
    """The languages in the name of Firefox's files, those that the folder's ends with, or that its README.md lists."""
    found = re.match(r"model\.([a-z]{2})([a-z]{2})\.", path.name)
    return say_directions(path.parent, path.parent.resolve().name, (found[1], found[2]) if found else None)


def _read_search(decoder: Settings) -> SearchDefaults:
    def number(key: str, default: float) -> float:
        value = decoder.get(key, "")
        try:
            return float(value) if isinstance(value, str) and value else default
        except ValueError:
            return default

    beam_size = min(max(int(number("beam-size", 1)), 1), MAX_BEAM_SIZE)
    return SearchDefaults(beam_size, max(number("normalize", 0.0), 0.0))
