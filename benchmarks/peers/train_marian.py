"""Marian trains one job on the CPU, through the wheel `pymarian`.

    .venv-bench/bin/python benchmarks/peers/train_marian.py JOB.json

How it was made comparable, and as fast as it goes:

- It reads the ids as words, with a vocabulary that maps each to itself, so that its sentences, its vocabulary and its
  output layer are those of the others, and no time goes into tokenising.
- `--mini-batch-words` counts the source ids (EOS included, padding not) of an update over all workers, so it is given
  the mean number of them in the batches that the budget of padded ids makes. All sentences are sorted together, as
  everywhere else.
- Marian's counts of labels are target ids with EOS (checked: an epoch over a file gives its ids + its lines), the words
  of its "words/s"; both figures here are sums of its own log lines.
- `--cpu-threads` are workers that share every update's batch (`--sync-sgd`), each with one thread of MKL.
- float32: Marian has no bfloat16 on the CPU.
"""

import importlib.metadata
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from job import EOS, ROUND_EXAMPLES, UNK, Job, Measured, cut, print_measured, read_job

LOG_EVERY = 10  # updates a line of the log
LINE = re.compile(r"Up\. (?P<update>\d+) : .* after (?P<tokens>\d+) : Time (?P<seconds>[\d.]+)s")


class Line(NamedTuple):
    """A line of the log: target ids are counted from the start, seconds since the line before."""

    update: int
    tokens: int
    seconds: float


def write_vocabulary(job: Job, path: Path) -> None:
    """One word an id; a JSON file is YAML as well."""
    words = {str(number): number for number in range(job.vocab_size) if number not in (UNK, EOS)}
    path.write_text(json.dumps(words | {"<unk>": UNK, "</s>": EOS}, indent=0))


def mean_source_tokens(job: Job) -> int:
    """Source ids, EOS included, of a mean batch under the job's budget."""
    pairs = job.read_pairs()
    return round(sum(len(source) for source, _ in pairs) / len(cut(pairs, job.max_batch_tokens)))


def build_arguments(job: Job, folder: Path) -> list[str]:
    """Marian's command line."""
    max_sentences = job.max_batch_tokens // 2  # never the limit: the shortest sentence has two ids
    options = {
        "type": "transformer",
        "dim-emb": job.d_model,
        "transformer-dim-ffn": job.d_ff,
        "transformer-heads": job.num_heads,
        "enc-depth": job.num_encoder_layers,
        "dec-depth": job.num_decoder_layers,
        "transformer-ffn-activation": "relu",
        "transformer-dropout": job.dropout,
        "label-smoothing": job.label_smoothing,
        "train-sets": f"{job.source_path} {job.target_path}",
        "vocabs": " ".join([str(folder / "vocabulary.yml")] * 2),
        "dim-vocabs": f"{job.vocab_size} {job.vocab_size}",
        "max-length": job.max_length,
        "mini-batch": max_sentences,
        "mini-batch-words": mean_source_tokens(job),
        "maxi-batch": ROUND_EXAMPLES // max_sentences,
        "maxi-batch-sort": "src",
        "learn-rate": job.learning_rate,
        "lr-warmup": 400,
        "optimizer-params": "0.9 0.98 1e-8 0.01",
        "clip-norm": 1,
        "cpu-threads": job.num_threads,
        "workspace": 1000,  # MB a worker; it grows if need be
        "after": f"{job.warmup_updates + job.updates}u",
        "disp-freq": LOG_EVERY,
        "seed": job.seed,
        "model": folder / "model.npz",
        "log": folder / "marian.log",
    }
    flags = ["--tied-embeddings-all", "--sync-sgd", "--shuffle-in-ram", "--no-reload", "--overwrite", "--quiet"]
    return [word for name, value in options.items() for word in (f"--{name}", str(value))] + flags


def read_log(path: Path) -> list[Line]:
    """The progress lines of Marian's log."""
    found = map(LINE.search, path.read_text().replace(",", "").splitlines())
    return [Line(int(each["update"]), int(each["tokens"]), float(each["seconds"])) for each in found if each]


def count_parameters(path: Path) -> int:
    """Trained numbers in a model file."""
    with np.load(path) as weights:
        return sum(weights[name].size for name in weights.files if not name.startswith("special:"))


def measure(job: Job) -> Measured:
    """Train as the job says."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # a worker; read when the library is loaded
    import _pymarian

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_vocabulary(job, folder / "vocabulary.yml")
        _pymarian.Trainer(" ".join(build_arguments(job, folder))).train()
        lines = read_log(folder / "marian.log")
        num_parameters = count_parameters(folder / "model.npz")
    warmup = [line for line in lines if line.update <= job.warmup_updates]
    counted = lines[len(warmup) :]
    return Measured(
        system="Marian",
        versions={"pymarian": importlib.metadata.version("pymarian")},
        precision="fp32",
        num_parameters=num_parameters,
        updates=counted[-1].update - warmup[-1].update,
        target_tokens=counted[-1].tokens - warmup[-1].tokens,
        seconds=sum(line.seconds for line in counted),
        source_padding=None,
        target_padding=None,
    )


if __name__ == "__main__":
    print_measured(measure(read_job(Path(sys.argv[1]))))
