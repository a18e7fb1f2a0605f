"""Build both images with docker, podman or buildah, whichever is there, and prove them.

That is `make images` and `make check-images`.

What pip needs on this machine (an index, a certificate authority, folders of wheels) is handed to the build as secrets
and read-only mounts; none of it is kept in an image. `--base debootstrap` makes a base image of Debian's own packages
first, for where no registry can be reached. With buildah alone an image's processes run in a chroot of their own, on a
read-only mount, as the image's user: for that the caller must be root.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent
# By device; CUDA's libraries alone take seven times what the rest does.
SERVE_LIMIT_BYTES = {"cpu": 350_000_000, "gpu": 3_000_000_000}
MARK = "{first_name}"
UNPRIVILEGED = "65532"
BASE_PACKAGES = "python3,python3-venv,ca-certificates"
# What a slim image of Debian leaves out too.
BASE_UNNEEDED = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")

PROBE = """
import errno, importlib.util, os
try:
    open("/opt/ferry/written", "w")
    root = "writable"
except OSError as error:
    root = {errno.EROFS: "read-only"}.get(error.errno, error.strerror)
open("/data/written", "w").close()
print(os.getuid(), root, "torch" if importlib.util.find_spec("torch") else "no torch")
"""

TINY_RUN = """
[[corpora]]
name = "tiny"
languages = ["de", "en"]
files = ["/work/tiny.de", "/work/tiny.en"]

[[validation]]
name = "tiny"
languages = ["de", "en"]
files = ["/work/dev.de", "/work/dev.en"]

[tokenizer]
vocab_size = 320

[model]
d_model = 32
d_ff = 64
num_heads = 2
num_encoder_layers = 1
num_decoder_layers = 1

[optim]
precision = "fp32"
max_steps = 4
accumulate = 2
max_batch_tokens = 512

[run]
dir = "/work/run"
validate_every = 4
num_threads = 1
device = "cpu"
"""


def main() -> int:
    """Run one of the commands and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["build", "check"])
    parser.add_argument("--base", default="python:3.11-slim", help="base image, or `debootstrap` to make one")
    parser.add_argument("--device", default="cpu", choices=["cpu", "gpu"])
    parser.add_argument("--extras", default="", help="of pyproject.toml, for the server: moses")
    parser.add_argument("--only", choices=["serve", "train"])
    asked = parser.parse_args()
    program = find_program()
    # For buildah: these work on any machine, also in a container.
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")
    os.environ.setdefault("STORAGE_DRIVER", "vfs")
    base = asked.base
    if base == "debootstrap":
        base = make_base(program)
    for name in ["serve", "train"] if asked.only is None else [asked.only]:
        build(program, name, base, asked.device, asked.extras)
        if asked.command == "check":
            if name == "serve":
                check_serve(program, "ferry-serve", asked.device)
            else:
                check_train(program, "ferry-train")
    return 0


def find_program() -> str:
    """The program that builds; docker only where its daemon answers."""
    for program in ("docker", "podman", "buildah"):
        asked = [program, "info"]
        if shutil.which(program) and not subprocess.run(asked, capture_output=True, check=False).returncode:
            return program
    sys.exit("images: install docker, podman or buildah (Debian: apt-get install buildah) and run this again.")


def call(*command: str | Path, quiet: bool = False) -> str:
    """What a command prints; its errors go to our own stderr, and end us."""
    if not quiet:
        print("+", *command, flush=True)
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, cwd=SOURCE, check=False)
    if done.returncode:
        sys.exit(f"images: exit status {done.returncode} of: {' '.join(map(str, command))}\n{done.stdout[-2000:]}")
    return done.stdout


def make_base(program: str) -> str:
    """A base image of Debian's packages, once; its name."""
    name = "localhost/ferry-base:bookworm"
    if program == "docker":
        sys.exit("images: --base debootstrap is for buildah and podman; docker can pull python:3.11-slim.")
    if not call(program, "images", "--quiet", "--filter", f"reference={name}", quiet=True):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "root")
            call("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", "bookworm", root)
            for unneeded in BASE_UNNEEDED:
                shutil.rmtree(root / unneeded)
                (root / unneeded).mkdir()
            (Path(folder) / "Dockerfile").write_text("FROM scratch\nCOPY root /\n", encoding="utf-8")
            call(program, "build", "--format", "docker", "-t", name, folder)
    return name


def build(program: str, name: str, base: str, device: str, extras: str) -> None:
    """Build one image, as ferry-NAME."""
    command = [program, "build", "-f", f"Dockerfile.{name}", "-t", f"ferry-{name}", "--build-arg", f"BASE={base}"]
    if name == "serve":
        command += ["--build-arg", f"DEVICE={device}", "--build-arg", f"EXTRAS={extras}"]
    if program != "docker":
        command += ["--format", "docker"]  # the other one has no health check
    started = time.monotonic()
    with pip_options(program) as options:
        call(*command, *options, ".")
    print(f"images: ferry-{name} built in {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def pip_options(program: str) -> Iterator[list[str]]:
    """This machine's pip configuration as options of a build."""
    lines = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    settings = dict(line.partition("=")[::2] for line in lines.stdout.splitlines())
    # Variables (`:env:`) come last there and win here, as they do for pip.
    values = {key.rpartition(".")[2]: value.strip("'\"") for key, value in settings.items()}
    kept = {key: values[key] for key in ("index-url", "extra-index-url", "find-links", "timeout") if key in values}
    options: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        if "cert" in values:
            options += ["--secret", f"id=ca,src={values['cert']}"]
            kept["cert"] = "/etc/pip-ca.pem"
        for value in " ".join(kept.values()).replace("file://", "").split():
            # The pages of an index, in a folder `simple`, lead to files beside that folder.
            local = Path(value.removesuffix("/simple"))
            if local.is_absolute() and local.is_dir() and program != "docker":
                options += ["--volume", f"{local}:{local}:ro"]
        if kept:
            written = "".join(f"{key} = {value}\n" for key, value in kept.items())
            Path(folder, "pip.conf").write_text("[global]\n" + written, encoding="utf-8")
            options += ["--secret", f"id=pip,src={folder}/pip.conf"]
        yield options


def check_serve(program: str, image: str, device: str) -> None:
    """Ask the server in the image for a translation, read-only and without rights; check its size."""
    with ExitStack() as stack:
        run = stack.enter_context(running(program, image))
        probed = finished(run(["python", "-c", PROBE]))
        print(f"images: {image} runs as {probed}")
        if probed != f"{UNPRIVILEGED} read-only no torch":
            sys.exit(f"images: it should be {UNPRIVILEGED}, read-only, without torch.")
        port = free_port()
        config = read_config(program, image)
        server = run(["env", f"FERRY_PORT={port}", *config["Entrypoint"]])
        stack.callback(server.kill)
        wait_ready(server, port)
        answer = ask(port)
        print("images: answered", answer)
        if MARK not in answer:
            sys.exit(f"images: the answer should have {MARK}; marks are found otherwise by this Python.")
        finished(run(["env", f"FERRY_PORT={port}", *config["Healthcheck"]["Test"][1:]]))
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
        if server.returncode:
            sys.exit(f"images: the server ended with {server.returncode} after SIGTERM.")
        size, base_size = measure(program, image)
        print(f"images: {image} has {size / 1e6:.0f} MB, {(size - base_size) / 1e6:.0f} of them over its base")
        if size > SERVE_LIMIT_BYTES[device]:
            sys.exit(f"images: more than {SERVE_LIMIT_BYTES[device] / 1e6:.0f} MB.")


def check_train(program: str, image: str) -> None:
    """Run the command's help, and a tiny training with two processes under torchrun."""
    with running(program, image) as run:
        print(finished(run(["ferry-train", "--help"])).splitlines()[0])
        script = "import os; from pathlib import Path; os.chdir('/work'); " + "; ".join(
            f"Path({name!r}).write_text({text!r})" for name, text in tiny_files().items()
        )
        finished(run(["python", "-c", script]))
        torchrun = ["torchrun", "--standalone", "--nproc-per-node", "2", "-m", "training.train", "/work/tiny.toml"]
        print("images: trained:", *finished(run(torchrun)).splitlines()[-3:], sep="\n  ")
    size, base_size = measure(program, image)
    print(f"images: {image} has {size / 1e6:.0f} MB, {(size - base_size) / 1e6:.0f} of them over its base")


def tiny_files() -> dict[str, str]:
    """A corpus that a tokenizer can be made from, and settings for a run of four steps."""
    animals = [("Hund", "dog"), ("Vogel", "bird"), ("Fisch", "fish"), ("Wolf", "wolf"), ("Fuchs", "fox")]
    deeds = [("schläft", "sleeps"), ("frisst", "eats"), ("kommt", "comes"), ("wartet", "waits")]
    places = [("im Garten", "in the garden"), ("am Hafen", "at the harbour"), ("im Wald", "in the forest")]
    pairs = [
        (f"Der {a} {d} {p} {n} Mal.", f"The {b} {e} {q} {n} times.")
        for n in range(2, 12)
        for a, b in animals
        for d, e in deeds
        for p, q in places
    ]
    train, dev = [pair for i, pair in enumerate(pairs) if i % 20], pairs[::20]
    files = {"tiny.toml": TINY_RUN}
    for stem, lines in (("tiny", train), ("dev", dev)):
        files[f"{stem}.de"] = "".join(source + "\n" for source, _ in lines)
        files[f"{stem}.en"] = "".join(target + "\n" for _, target in lines)
    return files


Run = Callable[[Sequence[str]], "subprocess.Popen[str]"]


@contextmanager
def running(program: str, image: str) -> Iterator[Run]:
    """A function that starts a command in the image: read-only root, /tmp and its own data folder writable."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        config = read_config(program, image)
        data = Path(folder, "data")
        data.mkdir()
        os.chmod(folder, 0o755)
        os.chmod(data, 0o777)
        place = next(iter(config.get("Volumes") or {}), None) or config.get("WorkingDir") or "/data"
        if program == "buildah":
            container = call("buildah", "from", image, quiet=True).strip()
            stack.callback(call, "buildah", "rm", container, quiet=True)
            root = call("buildah", "mount", container, quiet=True).strip()
            prefix = chroot_command(Path(root), config, data, place)
        else:
            mounts = ["--tmpfs", "/tmp", "-v", f"{data}:{place}"]
            prefix = [program, "run", "--rm", "--init", "--read-only", "--network", "host", *mounts, "--entrypoint", ""]
            prefix += [image]

        def run(command: Sequence[str]) -> "subprocess.Popen[str]":
            return subprocess.Popen([*prefix, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        yield run


def chroot_command(root: Path, config: dict[str, Any], data: Path, place: str) -> list[str]:
    """The image's root, read-only, as its user, in name spaces of its own: what a container engine would do."""
    script = f"""set -e
mount --bind {root} {root}
mount -t proc proc {root}/proc
mount --rbind /dev {root}/dev
mount -t tmpfs tmpfs {root}/tmp
chmod 1777 {root}/tmp
mount --bind {data} {root}{place}
touch {root}/etc/hosts {root}/etc/hostname
mount --bind /etc/hosts {root}/etc/hosts
mount --bind /etc/hostname {root}/etc/hostname
mount -o remount,bind,ro {root}
exec setpriv --pdeathsig KILL chroot --userspec={config["User"]} {root} env -i "$@"
"""
    return ["unshare", "--mount", "sh", "-c", script, "sh", *config["Env"]]


def read_config(program: str, image: str) -> dict[str, Any]:
    """The image's own configuration."""
    if program == "buildah":
        config = json.loads(call("buildah", "inspect", "--type", "image", image, quiet=True))["Docker"]["config"]
    else:
        config = json.loads(call(program, "image", "inspect", image, quiet=True))[0]["Config"]
    assert isinstance(config, dict)
    return config


def measure(program: str, image: str) -> tuple[int, int]:
    """Bytes of the image's files, and of its lowest layer's: the base, if that has one layer, or a part of it."""
    if program != "buildah":
        (inspected,) = json.loads(call(program, "image", "inspect", image, quiet=True))
        return int(inspected["Size"]), 0
    container = call("buildah", "from", image, quiet=True).strip()
    try:
        root = Path(call("buildah", "mount", container, quiet=True).strip())
        ours = sum(disk_bytes(root / part) for part in ("opt", "models", "data", "work") if (root / part).exists())
        whole = disk_bytes(root)
        return whole, whole - ours
    finally:
        call("buildah", "rm", container, quiet=True)


def disk_bytes(folder: Path) -> int:
    """Bytes of all files, each counted once."""
    return int(call("du", "--summarize", "--apparent-size", "--block-size=1", folder, quiet=True).split()[0])


def finished(process: "subprocess.Popen[str]") -> str:
    """What a command printed, which must have gone well."""
    output, errors = process.communicate(timeout=300)
    if process.returncode:
        sys.exit(f"images: exit status {process.returncode} in the image:\n{output[-2000:]}\n{errors[-4000:]}")
    return output.strip()


def wait_ready(server: "subprocess.Popen[str]", port: int) -> None:
    """Wait until the server can translate."""
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                server.kill()
                sys.exit(f"images: the server did not start:\n{server.communicate()[1]}")
            time.sleep(0.2)


def ask(port: int) -> str:
    """One translation, of a text with a mark."""
    body = json.dumps({"text": f"Guten Morgen, {MARK}.", "source": "de", "target": "en"}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/translate", body, timeout=30) as answer:
        text: str = json.load(answer)["translations"][0]["text"]
        return text


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
