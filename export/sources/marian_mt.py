"""Models of transformers' MarianMT, such as OPUS-MT's on the Hugging Face hub: a folder, read without transformers.

`config.json`, weights as safetensors or PyTorch's tensors, `vocab.json` (and `target_vocab.json`) and the two `.spm`.
Biases of logits are there whatever the configuration says, and tables are tied only where their numbers are the same.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.errors import ExportError
from export.sources.directions import Said, choose_pairs, say_directions
from export.sources.files import hash_files, read_json, read_tensors
from export.sources.layers import name_tables, rename_layers
from export.sources.normalise import prepare
from export.sources.options import MAX_SOURCE_LENGTH, MAX_TARGET_LENGTH, SourceOptions
from export.sources.pieces import Vocabulary, read_model, renumber
from export.sources.source import Array, Source, build_model
from server.bundle import SearchDefaults, SpecialIds
from training.model import Activation, ModelSettings

ACTIVATIONS: Mapping[str, Activation] = {
    "relu": "relu",
    "swish": "swish",
    "silu": "swish",
    "gelu": "gelu",
    "quick_gelu": "quick_gelu",
}
# Of torch.nn.LayerNorm, which transformers' MarianMT takes as it is.
EPSILON = 1e-5
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
UNK = "<unk>"


def is_folder_of_transformers(path: Path) -> bool:
    """Whether `path` has the configuration that every model of transformers has."""
    return (path / "config.json").is_file()


def read_marian_mt(path: Path, options: SourceOptions) -> Source:
    """The model in the folder `path`.

    Raises:
        ExportError: a file that is missing or damaged, or a kind of model that is not supported.
    """
    config = read_json(path / "config.json")
    if config.get("model_type") != "marian":
        raise ExportError(
            f"{path} is a model of type {config.get('model_type')!r}; of transformers' models only MarianMT ('marian') "
            "is supported"
        )
    generation = _read_optional(path / "generation_config.json")
    weights_file = _find_weights(path)
    tensors = read_tensors(weights_file)
    _check_plain(config)
    settings, state = _convert(config, tensors, options)
    model = build_model(settings, state)
    sides, tokenizers, files = read_vocabularies(path, _single(config, generation, "eos_token_id", 0), options)
    for vocabulary, size in zip(sides, (model.vocab_size, model.target_vocab_size), strict=True):
        if len(vocabulary.pieces) > size:
            raise ExportError(f"{path} has vocabularies of {len(vocabulary.pieces)} pieces, and tables of {size} rows")
    start = _single(config, generation, "decoder_start_token_id", config.get("pad_token_id"))
    pad = _single(config, generation, "pad_token_id", start)
    files = [path / "config.json", weights_file, *files]
    return Source(
        family="MarianMT",
        model=model,
        tokenizers=tokenizers,
        pairs=choose_pairs(sides[0].tags, _say(path, config), options.pairs),
        special_ids=SpecialIds(pad=pad, unk=sides[1].unk, bos=start, eos=sides[1].eos),
        suppressed_ids=tuple(sorted({start, *_bad_ids(config, generation)})),
        max_source_length=MAX_SOURCE_LENGTH,
        max_target_length=MAX_TARGET_LENGTH,
        search=_read_search(config, generation),
        licence=options.licence or _read_licence(path),
        files=hash_files(files),
    )


def _read_optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _find_weights(path: Path) -> Path:
    found = next((path / name for name in WEIGHT_NAMES if (path / name).is_file()), None)
    if found is None:
        raise ExportError(f"{path} has no weights: neither {' nor '.join(WEIGHT_NAMES)}")
    return found


def _check_plain(config: Mapping[str, Any]) -> None:
    """Refuse what neither transformers' MarianMT nor our model computes, or where both sides are unlike each other."""
    odd = [
        f"{name} is true"
        for name in ("normalize_before", "normalize_embedding", "add_final_layer_norm")
        if config.get(name)
    ]
    for one, other in (
        ("encoder_ffn_dim", "decoder_ffn_dim"),
        ("encoder_attention_heads", "decoder_attention_heads"),
    ):
        if config.get(one) != config.get(other):
            odd.append(f"{one} is {config.get(one)} and {other} {config.get(other)}; they must be the same")
    if config.get("activation_function", "gelu") not in ACTIVATIONS:
        odd.append(f"activation_function is {config['activation_function']!r}; there are {', '.join(ACTIVATIONS)}")
    if odd:
        raise ExportError("this kind of model is not supported: " + "; ".join(odd))


def _convert(
    config: Mapping[str, Any], tensors: Mapping[str, Array], options: SourceOptions
) -> tuple[ModelSettings, dict[str, Array]]:
    tables = _tables(config, tensors)
    settings = ModelSettings(
        d_model=_number(config, "d_model", 1024),
        d_ff=_number(config, "encoder_ffn_dim", 4096),
        num_heads=_number(config, "encoder_attention_heads", 16),
        num_encoder_layers=_number(config, "encoder_layers", 12),
        num_decoder_layers=_number(config, "decoder_layers", 12),
        norm="layernorm",
        norm_place="post",
        norm_epsilon=EPSILON,
        activation=ACTIVATIONS[config.get("activation_function", "gelu")],
        biases=True,
        positions="marian" if options.positions == "marian" else "transformers",
        tie_source_target="target_embedding.weight" not in tables,
        tie_target_output="output_embedding.weight" not in tables,
        logits_bias="final_logits_bias" in tensors,
        dropout=0.1,
    )
    state = dict(tables)
    if settings.logits_bias:
        state["logits_bias"] = tensors["final_logits_bias"].ravel()
    state |= rename_layers(tensors, settings, "model.")
    return settings, state


def _tables(config: Mapping[str, Any], tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The three tables by our names, those that are the same once."""
    shared = tensors.get("model.shared.weight")
    source = tensors.get("model.encoder.embed_tokens.weight", shared)
    if source is None:
        raise ExportError("the weights have neither model.shared.weight nor model.encoder.embed_tokens.weight")
    target = tensors.get("model.decoder.embed_tokens.weight", source if shared is None else shared)
    output = tensors.get("lm_head.weight", target)
    return name_tables(source, target, output, is_scaled=config.get("scale_embedding") is True)


def read_vocabularies(
    path: Path, eos: int, options: SourceOptions
) -> tuple[list[Vocabulary], tuple[bytes, ...], list[Path]]:
    """Both sides' pieces, their SentencePiece models (one if they are the same), and the files read.

    These models are OPUS-MT's, whose text was prepared; transformers' own tokenizer leaves that out.

    Args:
        path: the model's folder.
        eos: id of the end on both sides.
        options: whether text is prepared.

    Raises:
        ExportError: a file is missing or damaged.
    """
    own = path / "target_vocab.json"
    names = ["vocab.json", own.name if own.is_file() else "vocab.json"]
    sides, models, files = [], [], []
    for name, side in zip(names, ("source", "target"), strict=True):
        vocabulary = _number_pieces(path / name, eos)
        model = renumber(read_model(path / f"{side}.spm"), vocabulary, f"{side}.spm", reads=side == "source")
        sides.append(vocabulary)
        models.append(model if options.normalise == "none" else prepare(model, vocabulary.pieces))
        files += [path / name, path / f"{side}.spm"]
    return sides, tuple(dict.fromkeys(models)), list(dict.fromkeys(files))


def _number_pieces(path: Path, eos: int) -> Vocabulary:
    """The pieces of a vocab.json by id; an id that has none gets one that no text is."""
    ids = read_json(path)
    if not ids or not all(type(i) is int and i >= 0 for i in ids.values()) or len(set(ids.values())) < len(ids):
        raise ExportError(f"{path} does not give every piece an id of its own")
    if UNK not in ids:
        raise ExportError(f"{path} has no {UNK}, which stands for what the vocabulary lacks")
    size = max(ids.values()) + 1
    if size > 2 * len(ids) + 1000 or not 0 <= eos < size:
        raise ExportError(f"{path} has {len(ids)} pieces with ids up to {size - 1}, and eos_token_id is {eos}")
    pieces = [f"<no-piece-{i}>" for i in range(size)]
    for piece, number in ids.items():
        pieces[number] = piece
    named = {number for piece, number in ids.items() if re.fullmatch(r"<pad>|<s>|</s>", piece)}
    holes = set(range(size)) - set(ids.values())
    return Vocabulary(pieces, eos, ids[UNK], frozenset(named | holes))


def _say(path: Path, config: Mapping[str, Any]) -> Said | None:
    """The languages that the tokenizer's configuration names, or else the model's own name."""
    tokenizer = _read_optional(path / "tokenizer_config.json")
    source, target = tokenizer.get("source_lang"), tokenizer.get("target_lang")
    said = (source, target) if isinstance(source, str) and isinstance(target, str) and source and target else None
    return say_directions(path, str(config.get("_name_or_path", "")) or path.resolve().name, said)


def _single(config: Mapping[str, Any], generation: Mapping[str, Any], name: str, default: Any) -> int:
    """An id that generation's configuration may give anew."""
    value = generation.get(name)
    value = config.get(name, default) if value is None else value
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    if type(value) is not int:
        raise ExportError(f"config.json has {name} {value!r}; it must be one id")
    return value


def _bad_ids(config: Mapping[str, Any], generation: Mapping[str, Any]) -> set[int]:
    """Single ids that are never generated; sequences of several are no matter of a model's."""
    listed = generation.get("bad_words_ids") or config.get("bad_words_ids") or []
    return {words[0] for words in listed if isinstance(words, list) and len(words) == 1 and type(words[0]) is int}


def _read_search(config: Mapping[str, Any], generation: Mapping[str, Any]) -> SearchDefaults:
    both = {**config, **{name: value for name, value in generation.items() if value is not None}}
    beams, penalty = both.get("num_beams", 1), both.get("length_penalty", 1.0)
    return SearchDefaults(
        beams if type(beams) is int and 1 <= beams <= 16 else 1,
        float(penalty) if isinstance(penalty, int | float) and 0 <= penalty <= 5 else 1.0,
    )


def _read_licence(path: Path) -> str:
    """What the front matter of README.md says."""
    readme = path / "README.md"
    if not readme.is_file():
        return ""
    found = re.search(r"^license:\s*(\S.*)$", readme.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return found[1].strip() if found else ""


def _number(config: Mapping[str, Any], name: str, default: int) -> int:
    value = config.get(name, default)
    if type(value) is not int:
        raise ExportError(f"config.json has {name} {value!r}; it must be a number")
    return value
