"""BLEU and chrF of a bundle on test files, translated by `ferry-translate` itself, with sacrebleu's signatures.

    python benchmarks/quality.py models/en-de --test tatoeba de en test/tatoeba.de.gz test/tatoeba.en.gz \\
                                              --test tatoeba en de test/tatoeba.en.gz test/tatoeba.de.gz

Prints a table; `--json` writes what `ferry-export --quality` puts into a manifest.
"""

import argparse
import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF


def read_lines(path: Path) -> list[str]:
    """The lines of a plain or .gz file; only a newline ends a line."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return text.removesuffix("\n").split("\n")


def translate(bundle: Path, source: str, target: str, lines: list[str], options: list[str]) -> tuple[list[str], float]:
    """The translations of `lines`, and the seconds that the whole process took."""
    command = [sys.executable, "-m", "server.translate_file", "--model", str(bundle), "--source", source]
    text = "".join(line + "\n" for line in lines).encode()
    start = time.perf_counter()
    done = subprocess.run([*command, "--target", target, *options], input=text, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8").removesuffix("\n").split("\n"), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    names = ("NAME", "SOURCE", "TARGET", "SOURCE_FILE", "REFERENCE_FILE")
    parser.add_argument("--test", nargs=5, action="append", required=True, metavar=names)
    parser.add_argument("--beam-size", default="1")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print("| test set | direction | beam | BLEU | chrF | lines/s |\n|---|---|---|---|---|---|")
    for name, source, target, source_file, reference_file in options.test:
        lines, references = read_lines(Path(source_file)), read_lines(Path(reference_file))
        found, seconds = translate(options.bundle, source, target, lines, ["--beam-size", options.beam_size])
        bleu, chrf = BLEU(), CHRF()
        row = {
            "test_set": name,
            "source": source,
            "target": target,
            "bleu": round(bleu.corpus_score(found, [references]).score, 2),
            "chrf": round(chrf.corpus_score(found, [references]).score, 2),
            "signature": f"BLEU {bleu.get_signature()}; chrF {chrf.get_signature()}; beam {options.beam_size}",
        }
        rows.append(row)
        speed = len(lines) / seconds
        print(f"| {name} | {source}-{target} | {options.beam_size} | {row['bleu']} | {row['chrf']} | {speed:.0f} |")
    print("\n" + str(rows[0]["signature"]))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
