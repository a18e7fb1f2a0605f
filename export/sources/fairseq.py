"""Transformers that fairseq trained: a checkpoint, its dictionaries, and what cuts its text.

That is a SentencePiece model for each side, or Moses and then BPE with its codes.

A checkpoint is a pickle. It is read with PyTorch's reader of plain data, which knows one class more: the
`argparse.Namespace` that holds the settings.
"""

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from export.errors import ExportError
from export.sources.directions import Said, choose_pairs
from export.sources.files import check_file, hash_files, read_text
from export.sources.layers import name_tables, rename, rename_layers
from export.sources.moses import build_moses, find_codes, find_own_codes, is_cut_by_bpe
from export.sources.options import MAX_SOURCE_LENGTH, MAX_TARGET_LENGTH, SourceOptions
from export.sources.pieces import Vocabulary, read_model, renumber
from export.sources.source import Array, Source, build_model
from server.bundle import SearchDefaults, SpecialIds
from training.model import Activation, ModelSettings

# What every dictionary begins with, though its file does not say so.
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
BOS, PAD, EOS, UNK = range(4)
# Positions are counted from the id after the padding's.
FIRST_POSITION = PAD + 1
EPSILON = 1e-5
ACTIVATIONS: Mapping[str, Activation] = {"relu": "relu", "gelu": "gelu", "swish": "swish"}
# What our model has no place for, if it is set.
ABSENT = (
    "adaptive_softmax_cutoff",
    "cross_self_attention",
    "no_cross_attention",
    "no_token_positional_embeddings",
    "layernorm_embedding",
    "no_decoder_final_norm",
)
# What must be the same on both sides.
SAME = ("embed_dim", "ffn_embed_dim", "attention_heads", "normalize_before", "learned_pos")
Side = Literal["source", "target"]
WEIGHT_NAMES = ("checkpoint_best.pt", "model.pt", "checkpoint_last.pt")


def find_checkpoint(path: Path) -> Path | None:
    """The checkpoint that `path` is, or that stands there beside dictionaries; None if there is none.

    Raises:
        ExportError: there are several, and none has a name that says it is the one.
    """
    if path.suffix == ".pt":
        return path
    if not path.is_dir() or not list(path.glob("dict.*.txt")):
        return None
    found = sorted(path.glob("*.pt"))
    named = [path / name for name in WEIGHT_NAMES if (path / name) in found]
    if len(found) > 1 and not named:
        raise ExportError(
            f"{path} holds several checkpoints ({', '.join(f.name for f in found)}); give the file of one"
        )
    return next(iter(named or found), None)


def read_fairseq(path: Path, options: SourceOptions) -> Source:
    """The model in the checkpoint file `path`, with what stands beside it.

    Raises:
        ExportError: a file that is missing or damaged, or a kind of model that is not supported.
    """
    config, tensors = _read_checkpoint(path)
    _check_plain(config)
    settings, state = _convert(config, tensors)
    model = build_model(settings, state)
    languages = _languages(path.parent, config, options)
    sides, tokenizers, files = _read_vocabularies(path.parent, languages, options)
    for side, vocabulary, size in zip(languages, sides, (model.vocab_size, model.target_vocab_size), strict=True):
        if len(vocabulary.pieces) != size:
            raise ExportError(
                f"dict.{side}.txt has {len(vocabulary.pieces)} entries with the special ones, and the model {size}"
            )
    longest = settings.max_positions
    said = Said(languages[:1], languages[1:])
    return Source(
        family="fairseq",
        model=model,
        tokenizers=tokenizers,
        pairs=choose_pairs(sides[0].tags, said, options.pairs),
        # A target starts from the end of the sentence before it.
        special_ids=SpecialIds(pad=PAD, unk=UNK, bos=EOS, eos=EOS),
        suppressed_ids=(BOS, PAD),
        max_source_length=min(longest or MAX_SOURCE_LENGTH, MAX_SOURCE_LENGTH),
        max_target_length=min(longest or MAX_TARGET_LENGTH, MAX_TARGET_LENGTH),
        # What its documentation searches with; no checkpoint says it.
        search=SearchDefaults(4, 1.0),
        licence=options.licence,
        files=hash_files([path, *files]),
    )


def _read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Its settings and tensors."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            loaded = torch.load(check_file(path), map_location="cpu", weights_only=True)
        whole = dict(loaded.get("cfg") or {})
        said = whole.get("model") or loaded["args"]
        # The languages are the task's, everything else the model's.
        config = _plain(whole.get("task")) | _plain(said)
        tensors = {name: tensor.to(torch.float32).numpy() for name, tensor in loaded["model"].items()}
    except pickle.UnpicklingError as error:
        more = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({more[1]})" if more else ""
        raise ExportError(
            f"{path} holds more than tensors and settings{what}, which may be a program; it is not read"
        ) from None
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, EOFError, AttributeError) as error:
        raise ExportError(f"{path} cannot be read as a checkpoint of fairseq: {error!r}; is it whole?") from None
    return config, tensors


def _plain(settings: Any) -> dict[str, Any]:
    return dict(vars(settings)) if isinstance(settings, argparse.Namespace) else dict(settings or {})


def _check_plain(config: Mapping[str, Any]) -> None:
    odd = [f"{name} is set" for name in ABSENT if config.get(name)]
    for name in SAME:
        sides = [config.get(f"{side}_{name}") for side in ("encoder", "decoder")]
        if sides[0] != sides[1]:
            odd.append(f"encoder_{name} is {sides[0]!r} and decoder_{name} {sides[1]!r}; they must be the same")
    if config.get("decoder_output_dim", config.get("decoder_embed_dim")) != config.get("decoder_embed_dim"):
        odd.append("decoder_output_dim is not decoder_embed_dim")
    if config.get("activation_fn", "relu") not in ACTIVATIONS:
        odd.append(f"activation_fn is {config['activation_fn']!r}; there are {', '.join(ACTIVATIONS)}")
    if odd:
        raise ExportError("this kind of model is not supported: " + "; ".join(odd))


def _convert(config: Mapping[str, Any], tensors: Mapping[str, Array]) -> tuple[ModelSettings, dict[str, Array]]:
    tables = _tables(config, tensors)
    learned, before = bool(config.get("encoder_learned_pos")), bool(config.get("encoder_normalize_before"))
    tables |= _learned_positions(tensors) if learned else {}
    settings = ModelSettings(
        d_model=_number(config, "encoder_embed_dim"),
        d_ff=_number(config, "encoder_ffn_embed_dim"),
        num_heads=_number(config, "encoder_attention_heads"),
        num_encoder_layers=_number(config, "encoder_layers"),
        num_decoder_layers=_number(config, "decoder_layers"),
        norm="layernorm",
        norm_place="pre" if before else "post",
        norm_epsilon=EPSILON,
        activation=ACTIVATIONS[config.get("activation_fn", "relu")],
        biases=True,
        positions="learned" if learned else "marian",
        position_offset=0 if learned else FIRST_POSITION,
        max_positions=len(tables["source_positions.weight"]) if learned else 0,
        tie_source_target="target_embedding.weight" not in tables,
        tie_target_output="output_embedding.weight" not in tables,
        dropout=0.1,
    )
    state = tables | rename_layers(tensors, settings)
    for side in ("encoder", "decoder") if before else ():
        state |= rename(tensors, f"{side}.layer_norm", f"{side}_norm")
    _check_whole(tensors, settings)
    return settings, state


def _check_whole(tensors: Mapping[str, Array], settings: ModelSettings) -> None:
    """Every tensor has its place, or the model computes what ours does not."""
    linears = r"((self|encoder)_attn\.(q|k|v|out)_proj|fc[12]|(self_attn|encoder_attn|final)_layer_norm)\.(weight|bias)"
    final = r"|layer_norm\.(weight|bias)" if settings.norm_place == "pre" else ""
    known = re.compile(
        rf"(encoder|decoder)\.(layers\.\d+\.{linears}|embed_tokens\.weight|embed_positions\.\w+|version{final})|"
        r"decoder\.(output_projection\.weight|embed_out)"
    )
    left = [name for name in tensors if not known.fullmatch(name)]
    if left:
        raise ExportError(
            f"the model has {len(left)} tensors that have no place in ours, such as {', '.join(left[:5])}"
        )


def _tables(config: Mapping[str, Any], tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The three tables by our names, those that are the same once."""
    missing = [name for name in ("encoder", "decoder") if f"{name}.embed_tokens.weight" not in tensors]
    if missing:
        raise ExportError(f"the weights have no {missing[0]}.embed_tokens.weight; is it a transformer of fairseq's?")
    source, target = tensors["encoder.embed_tokens.weight"], tensors["decoder.embed_tokens.weight"]
    output = tensors.get("decoder.output_projection.weight", tensors.get("decoder.embed_out", target))
    return name_tables(source, target, output, is_scaled=not config.get("no_scale_embedding"))


def _learned_positions(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Both tables from the first position, as long as the shorter."""
    tables = {side: tensors.get(f"{side}.embed_positions.weight") for side in ("encoder", "decoder")}
    rows = [table[FIRST_POSITION:] for table in tables.values() if table is not None]
    if len(rows) < len(tables):
        raise ExportError("the positions are said to be learned, and the weights have none")
    longest = min(map(len, rows))
    return {f"{ours}_positions.weight": each[:longest] for ours, each in zip(("source", "target"), rows, strict=True)}


def _languages(folder: Path, config: Mapping[str, Any], options: SourceOptions) -> tuple[str, str]:
    """The names that the dictionaries have, source first."""
    found = sorted(path.name.removeprefix("dict.").removesuffix(".txt") for path in folder.glob("dict.*.txt"))
    said = (config.get("source_lang"), config.get("target_lang"))
    for pair in (said, *options.pairs):
        if all(language in found for language in pair):
            return str(pair[0]), str(pair[1])
    raise ExportError(
        f"{folder} has dictionaries of {', '.join(found) or 'no language'}; it must have dict.SRC.txt "
        "and dict.TGT.txt of the languages that the checkpoint or --pair names"
    )


def _read_vocabularies(
    folder: Path, languages: tuple[str, str], options: SourceOptions
) -> tuple[list[Vocabulary], tuple[bytes, ...], list[Path]]:
    """Both sides' entries, what cuts their text (once if it is the same), and the files read."""
    sides, models, files = [], [], []
    given = options.vocabularies or (None, None)
    kinds: tuple[Side, ...] = ("source", "target")
    for language, side, chosen in zip(languages, kinds, given, strict=True):
        dictionary = folder / f"dict.{language}.txt"
        vocabulary = Vocabulary(_read_entries(dictionary), EOS, UNK, frozenset({BOS, PAD}))
        cutter: Path | None
        if chosen is None and is_cut_by_bpe(vocabulary.pieces):
            # What is written is never cut.
            cutter = (options.codes or find_codes(folder, language)) if side == "source" else None
            others = find_own_codes(folder, languages[1])
            model = build_moses(vocabulary, language, cutter, options.moses, dictionary.name, others)
        else:
            cutter = chosen or _find_cutter(folder, language, side)
            model = renumber(read_model(cutter), vocabulary, cutter.name, reads=side == "source")
        sides.append(vocabulary)
        models.append(model)
        files += [dictionary, *([cutter] if cutter else [])]
    return sides, tuple(dict.fromkeys(models)), list(dict.fromkeys(files))


def _read_entries(path: Path) -> list[str]:
    """What a dictionary numbers: the special entries, then the first word of each line."""
    entries = [
        line.rsplit(" ", 2)[0] if line.endswith(" #fairseq:overwrite") else line.rsplit(" ", 1)[0]
        for line in read_text(path).split("\n")
        if line
    ]
    pieces = [*SPECIALS, *entries]
    if len(set(pieces)) < len(pieces):
        raise ExportError(f"{path} has an entry twice")
    return pieces


def _find_cutter(folder: Path, language: str, side: Side) -> Path:
    names = [f"spm.{language}.model", f"sentencepiece.{language}.model", f"{side}.spm"]
    names += ["sentencepiece.bpe.model", "sentencepiece.model", "spm.model"]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise ExportError(f"{folder} has none of {', '.join(names)}, which cuts text; give --vocab SRC TGT")
    return found


def _number(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is not int:
        raise ExportError(f"the checkpoint's settings have {name} {value!r}; it must be a number")
    return value
