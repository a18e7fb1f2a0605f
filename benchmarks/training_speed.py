"""Training speed on this machine's CPU: Ferry beside Hugging Face Transformers and Marian.

    python benchmarks/training_speed.py --source de train.de.gz --target en train.en.gz --plot speed.png

The peers live in an environment of their own, with torch by itself and exactly, lest another one be pulled in:

    python3.11 -m venv .venv-bench
    .venv-bench/bin/pip install torch==2.13.0
    .venv-bench/bin/pip install torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 pymarian==1.12.42

Ferry cleans and tokenises the text once; all systems then train on those ids, in one direction, on a model of the same
depth, widths, heads and vocabulary, all embeddings tied, with the same dropout, label smoothing and number of threads.
Ferry and Transformers cut batches under the same budget of padded ids (longest side x sentences); Marian, which counts
source ids without padding, gets the mean that this budget makes. So updates of all have about the same number of real
target ids, which the table shows. What was chosen for a peer, and why, is in its file under `benchmarks/peers/`.

A figure is target ids (EOS included, padding not) over the time of the counted updates: batch making, both passes and
optimizer. Systems take turns, each measurement in a process of its own; `ratio` is the median over the rounds of a
system's speed over Ferry's in the same round. eole, a second trainer on PyTorch, is left out.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import metadata
from math import prod
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from data_loading import Loading, measure, open_plan
from matplotlib import pyplot as plt
from peers.job import Job, Measured, write_job
from safetensors import safe_open

from training.data.batches import Batch, BatchPlan
from training.settings import TrainSettings, load_settings

LOG_EVERY = 10  # updates a line of Ferry's metrics, and of Marian's log
VALIDATION_LINES = 8  # a run cannot do without; it validates once, after the last counted update
PEERS = {"transformers": "train_hf.py", "marian": "train_marian.py"}

CONFIG = """\
[[corpora]]
name = "text"
languages = ["{source}", "{target}"]
files = ["{source_file}", "{target_file}"]
directions = ["{source}-{target}"]

[[validation]]
name = "few"
languages = ["{source}", "{target}"]
files = ["few.{source}", "few.{target}"]
directions = ["{source}-{target}"]

[data]
root = "{folder}"
leaked = "keep"
max_length = {job.max_length}

[tokenizer]
vocab_size = {job.vocab_size}

[model]
d_model = {job.d_model}
d_ff = {job.d_ff}
num_heads = {job.num_heads}
num_encoder_layers = {job.num_encoder_layers}
num_decoder_layers = {job.num_decoder_layers}
dropout = {job.dropout}

[optim]
precision = "{job.precision}"
learning_rate = {job.learning_rate}
label_smoothing = {job.label_smoothing}
max_batch_tokens = {job.max_batch_tokens}
max_steps = {max_steps}

[run]
dir = "{folder}/run"
seed = {job.seed}
num_threads = {job.num_threads}
log_every = {log_every}
validate_every = {max_steps}
"""


def cpu_model() -> str:
    """The processor's name."""
    return next(line.partition(": ")[2] for line in cpu_lines() if line.startswith("model name"))


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies matrices in bfloat16."""
    flags = next(line.split() for line in cpu_lines() if line.startswith("flags"))
    return "avx512_bf16" in flags or "amx_bf16" in flags


def cpu_lines() -> list[str]:
    """What Linux says of the processor."""
    return Path("/proc/cpuinfo").read_text().splitlines()


def write_config(job: Job, source: tuple[str, Path], target: tuple[str, Path]) -> Path:
    """Write the run's TOML file into the job's folder, with its few lines of validation text."""
    folder = Path(job.folder)
    for language in (source[0], target[0]):
        (folder / f"few.{language}").write_text(f"A line in {language}.\n" * VALIDATION_LINES)
    text = CONFIG.format(
        source=source[0],
        source_file=source[1].resolve(),
        target=target[0],
        target_file=target[1].resolve(),
        folder=folder,
        job=job,
        max_steps=job.warmup_updates + job.updates,
        log_every=LOG_EVERY,
    )
    path = folder / "run.toml"
    path.write_text(text)
    return path


def write_ids(plan: BatchPlan, job: Job) -> Loading:
    """Write all ids of Ferry's first round for the peers, in random order of batches; what loading them took."""
    with job.source_path.open("w") as sources, job.target_path.open("w") as targets:

        def written(batch: Batch) -> Batch:
            for file, ids, lengths in (
                (sources, batch.source_ids, batch.source_lengths),
                (targets, batch.target_ids, batch.target_lengths),
            ):
                for row, length in zip(ids.tolist(), lengths.tolist(), strict=True):
                    file.write(" ".join(map(str, row[: length - 1])) + "\n")  # all but EOS
            return batch

        return measure(map(written, plan.batches(0)))


def train_ferry(config: Path, settings: TrainSettings, job: Job, loading: Loading) -> Measured:
    """Train with `ferry-train` in a process of its own."""
    folder = Path(settings.run.dir)
    for entry in folder.iterdir():
        if entry.name != "data":  # what an earlier round left
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    run([sys.executable, "-m", "training.train", str(config)], job)
    events = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    events = [event for event in events if event["event"] == "train"]
    warmup = [event for event in events if event["step"] <= job.warmup_updates]
    counted = events[len(warmup) :]
    with safe_open(folder / "checkpoints" / "last" / "model.safetensors", "np") as weights:
        num_parameters = sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    return Measured(
        system="Ferry",
        versions={name: metadata.version(name) for name in ("ferry-nmt", "torch")},
        precision=job.precision,
        num_parameters=num_parameters,
        updates=counted[-1]["step"] - warmup[-1]["step"],
        target_tokens=counted[-1]["tokens"] - warmup[-1]["tokens"],
        seconds=sum(event["seconds"] for event in counted),
        source_padding=loading.source_padding,
        target_padding=loading.target_padding,
    )


def train_peer(python: Path, script: str, job: Job) -> Measured:
    """Train with a peer in a process of its own; the last line it prints says what it measured."""
    path = Path(job.folder) / "job.json"
    write_job(job, path)
    output = run([str(python), str(Path(__file__).parent / "peers" / script), str(path)], job)
    return Measured(**json.loads(output.splitlines()[-1]))


def run(command: list[str], job: Job) -> str:
    """What `command` printed, run on the job's number of threads.

    Raises:
        SystemExit: it failed; the message has the end of what it said.
    """
    threads = {name: str(job.num_threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def build_rows(rounds: list[dict[str, Measured]]) -> list[dict[str, str]]:
    """The table: a row a system."""
    rows = []
    for name, last in rounds[-1].items():
        speeds = [each[name].tokens_per_s for each in rounds]
        ratios = [each[name].tokens_per_s / next(iter(each.values())).tokens_per_s for each in rounds]
        per_update = sum(each[name].target_tokens for each in rounds) / sum(each[name].updates for each in rounds)
        padding = [share for share in (last.source_padding, last.target_padding) if share is not None]
        rows.append(
            {
                "system": last.system,
                "target ids/s": f"{statistics.median(speeds):,.0f}",
                "lowest to highest": f"{min(speeds):,.0f} to {max(speeds):,.0f}",
                "ratio": f"{statistics.median(ratios):.2f}",
                "target ids/update": f"{per_update:,.0f}",
                "padding source, target": ", ".join(f"{share:.1%}" for share in padding) or "not told",
                "parameters": f"{last.num_parameters / 1e6:.2f} M",
                "precision": last.precision,
                "versions": ", ".join(f"{package} {version}" for package, version in last.versions.items()),
            }
        )
    return rows


def plot(rounds: list[dict[str, Measured]], title: str, path: Path) -> None:
    """A bar a system, with whiskers from the lowest to the highest."""
    speeds = {last.system: [each[name].tokens_per_s for each in rounds] for name, last in rounds[-1].items()}
    medians = [statistics.median(each) for each in speeds.values()]
    low = [median - min(each) for median, each in zip(medians, speeds.values(), strict=True)]
    high = [max(each) - median for median, each in zip(medians, speeds.values(), strict=True)]
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    bars = axes.barh(list(speeds), medians, xerr=[low, high], capsize=3, color="tab:blue")
    axes.bar_label(bars, [f" {median:,.0f}" for median in medians], padding=4)
    axes.invert_yaxis()
    axes.set_xlim(right=1.2 * max(map(max, speeds.values())))
    axes.set_xlabel("target ids/s")
    axes.set_title(title, fontsize="small")
    figure.savefig(path, dpi=150)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    text = ("LANGUAGE", "FILE")
    parser.add_argument("--source", nargs=2, required=True, metavar=text, help="plain or .gz, a sentence a line")
    parser.add_argument("--target", nargs=2, required=True, metavar=text, help="its translations, line by line")
    parser.add_argument("--folder", type=Path, default=Path("runs/training-speed"), help="where to work")
    parser.add_argument("--peer-python", type=Path, default=Path(".venv-bench/bin/python"))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=20, help=f"updates not counted, a multiple of {LOG_EVERY}")
    parser.add_argument("--updates", type=int, default=100, help=f"updates counted, a multiple of {LOG_EVERY}")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="auto: bf16 if it has it")
    parser.add_argument("--d-model", type=int, default=256)
    parser.add_argument("--d-ff", type=int, default=1024)
    parser.add_argument("--num-heads", type=int, default=4)
    parser.add_argument("--num-encoder-layers", type=int, default=6)
    parser.add_argument("--num-decoder-layers", type=int, default=2)
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--max-batch-tokens", type=int, default=3072, help="padded ids of a batch, longest x sentences")
    parser.add_argument("--seed", type=int, default=1, help="the same in all rounds: they differ in time alone")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    if options.warmup < LOG_EVERY or options.warmup % LOG_EVERY or options.updates % LOG_EVERY or not options.updates:
        parser.error(f"--warmup and --updates must be multiples of {LOG_EVERY}, and not 0")
    if options.peers and not options.peer_python.exists():
        parser.error(f"{options.peer_python} does not exist; the head of this file says how to make it")
    return options


def build_job(options: argparse.Namespace) -> Job:
    """What the command line asks for."""
    bf16 = options.precision == "bf16" or (options.precision == "auto" and cpu_has_bf16())
    return Job(
        folder=str(options.folder.resolve()),
        d_model=options.d_model,
        d_ff=options.d_ff,
        num_heads=options.num_heads,
        num_encoder_layers=options.num_encoder_layers,
        num_decoder_layers=options.num_decoder_layers,
        vocab_size=options.vocab_size,
        dropout=options.dropout,
        label_smoothing=0.1,
        learning_rate=1e-3,
        max_length=options.max_length,
        max_batch_tokens=options.max_batch_tokens,
        precision="bf16" if bf16 else "fp32",
        num_threads=options.threads,
        warmup_updates=options.warmup,
        updates=options.updates,
        seed=options.seed,
    )


def main() -> None:
    options = parse()
    job = build_job(options)
    options.folder.mkdir(parents=True, exist_ok=True)
    source, target = ((language, Path(file)) for language, file in (options.source, options.target))
    config = write_config(job, source, target)
    settings = load_settings(config)
    loading = write_ids(open_plan(settings, job.num_threads), job)
    systems: dict[str, Callable[[Job], Measured]] = {"ferry": lambda job: train_ferry(config, settings, job, loading)}
    for name in options.peers:
        systems[name] = lambda job, script=PEERS[name]: train_peer(options.peer_python, script, job)
    rounds = []
    for number in range(1, options.rounds + 1):
        measured = {}
        for name, train in systems.items():
            measured[name] = train(job)
            print(f"round {number}: {name} {measured[name].tokens_per_s:,.0f} target ids/s", file=sys.stderr)
        rounds.append(measured)
    machine = f"{cpu_model()}, {job.num_threads} of {os.cpu_count()} cores"
    shape = (
        f"{job.num_encoder_layers}+{job.num_decoder_layers} layers, d={job.d_model}, ffn {job.d_ff}, "
        f"{job.num_heads} heads, {job.vocab_size:,} ids; batches of {job.max_batch_tokens:,} padded ids"
    )
    rows = build_rows(rounds)
    print(f"{machine}; {shape}; {options.rounds} rounds of {job.updates} updates after {job.warmup_updates}\n")
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(row.values()) + " |")
    if options.json:
        found = [{name: asdict(each) | {"tokens_per_s": each.tokens_per_s} for name, each in r.items()} for r in rounds]
        report = {"machine": machine, "job": asdict(replace(job, folder="")), "rounds": found}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if options.plot:
        plot(rounds, f"{machine}\n{shape}", options.plot)


if __name__ == "__main__":
    main()
