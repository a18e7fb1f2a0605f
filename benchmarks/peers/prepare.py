"""The bundled model's weights as the HTTP peers read them: a CTranslate2 model, and packages for LibreTranslate.

    python benchmarks/peers/prepare.py --checkpoint runs/unpacked --output runs/peers

`ferry-unpack` makes the checkpoint of a bundle. Writes `ctranslate2/` (int8, with the tokenizer) and `packages/`, one
package for each direction: LibreTranslate wants at least two, else it looks for more in the network. It knows no tag
before the source, so each package's model is told to put it there as its first id.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine.convert import convert
from splitter import write_splitter

from training.checkpoint import read_checkpoint
from training.data.tokenizer import tag_piece

NAMES = {"de": "German", "en": "English"}


def write_package(folder: Path, model: Path, tokenizer: Path, source: str, target: str) -> None:
    """An unpacked `.argosmodel`."""
    shutil.copytree(model, folder / "model")
    config = json.loads((model / "config.json").read_text("utf-8"))
    config |= {"add_source_bos": True, "bos_token": tag_piece(target), "add_source_eos": True}
    (folder / "model" / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    shutil.copy(tokenizer, folder / "sentencepiece.model")
    (folder / "minisbd").mkdir()
    write_splitter(folder / "minisbd" / "model.onnx")
    metadata = {
        "package_version": "1.0",
        "argos_version": "1.9",
        "from_code": source,
        "from_name": NAMES.get(source, source),
        "to_code": target,
        "to_name": NAMES.get(target, target),
        "links": [],
    }
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=2), "utf-8")


def main() -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder; what it holds of ours must not exist")
    options = parser.parse_args()
    checkpoint = read_checkpoint(options.checkpoint)
    model = options.output / "ctranslate2"
    convert(checkpoint, model, "int8_float32")
    for source, target in checkpoint.pairs:
        folder = options.output / "packages" / f"translate-{source}_{target}-1_0"
        write_package(folder, model, checkpoint.tokenizer, source, target)
    shutil.copy(checkpoint.tokenizer, model / "tokenizer.model")


if __name__ == "__main__":
    main()
