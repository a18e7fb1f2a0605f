"""A checkpoint of Ferry's as a model of Marian's or of transformers', so that these can compute it too.

    python benchmarks/foreign_files.py runs/CKPT runs/marian --form marian --pair de-en

writes `model.npz` and `vocab.spm`, or a folder of MarianMT. Marian and transformers start a target from zeros, have no
tag before a source of one direction, and their norms and positions: a run that is to be the same there has trained so.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from foreign.hub_form import write_folder
from foreign.marian_form import write_npz

from training.checkpoint import read_checkpoint


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="foreign_files", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path, help="to write; must not exist")
    parser.add_argument("--form", choices=("marian", "transformers"), required=True)
    parser.add_argument("--pair", required=True, metavar="SRC-TGT")
    options = parser.parse_args(arguments)
    checkpoint = read_checkpoint(options.checkpoint)
    source, _, target = options.pair.partition("-")
    if options.form == "transformers":
        write_folder(options.folder, checkpoint.model, checkpoint.tokenizer, (source, target))
        return
    options.folder.mkdir(parents=True)
    write_npz(options.folder / "model.npz", checkpoint.model)
    (options.folder / "vocab.spm").write_bytes(checkpoint.tokenizer.read_bytes())


if __name__ == "__main__":
    main()
