"""One machine without containers: nginx and several replicas under supervisord, from one folder that holds their state.

`make up`, `make roll` and `make down` run it; nothing but supervisor is needed beside what serves. Exit status: 0 when
done, 1 if it could not be done, 2 if something is missing that the message names.
"""

import argparse
import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import xmlrpc.client
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

SOURCE = Path(__file__).resolve().parent.parent
START_LIMIT_S = 120.0
# What --grace-s gives a replica to finish, and some more to end.
STOP_MARGIN_S = 5.0

NO_NGINX = """nginx is not installed. Install it and run this again:
  Debian, Ubuntu   apt-get install nginx-light
  Fedora           dnf install nginx
  macOS            brew install nginx
Without nginx, one replica alone: make serve"""


class MachineError(Exception):
    """What could not be done, in words for the caller."""

    status = 1


class MissingError(MachineError):
    """Something must be installed first."""

    status = 2


def main() -> int:
    """Run one of the commands and return its exit status."""
    asked = _parser().parse_args()
    asked.run = asked.run.resolve()
    try:
        {"up": up, "down": down, "roll": roll}[asked.command](asked)
    except MachineError as error:
        print(f"{asked.command}: {error}", file=sys.stderr)
        return error.status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["up", "down", "roll"])
    parser.add_argument("--run", type=Path, default=SOURCE / "run", help="folder for configuration, logs, sockets")
    parser.add_argument("--port", type=int, default=8080, help="port of nginx")
    parser.add_argument("--address", default="127.0.0.1", help="address of nginx; 0.0.0.0 for the world")
    parser.add_argument("--replicas", type=int, default=0, help="0 is one per core, but never fewer than 2")
    parser.add_argument("--replica-port", type=int, default=8001, help="port of the first replica; the rest follow")
    parser.add_argument("--models", type=Path, default=SOURCE / "models")
    parser.add_argument("--nginx", default="nginx", help="the program")
    return parser


def up(asked: argparse.Namespace) -> None:
    """Start everything and wait until it translates."""
    run: Path = asked.run
    nginx = shutil.which(asked.nginx, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise MissingError(NO_NGINX)
    if _processes(run):
        raise MachineError(f"something of {run} is running already; `make down` stops it, `make roll` renews it.")
    # One replica alone could not be replaced without a gap.
    replicas = asked.replicas or max(2, _count_cores())
    ports = list(range(asked.replica_port, asked.replica_port + replicas))
    for port in (asked.port, *ports):
        _require_free(port)
    _write_nginx(run, asked, ports)
    settings = {
        "UP_RUN": str(run),
        "UP_SOURCE": str(SOURCE),
        "UP_PYTHON": sys.executable,
        "UP_DATA": str(Path(os.environ.get("FERRY_DATA") or SOURCE / "data").resolve()),
        "UP_ONE_DATABASE": "yes",
        "UP_NGINX": nginx,
        "UP_USER": f"{pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}",
        "UP_PORT": str(asked.port),
        "UP_REPLICAS": str(replicas),
        "UP_REPLICA_PORT": str(asked.replica_port),
        "UP_STOP_S": str(round(float(os.environ.get("FERRY_GRACE_S") or 10) + STOP_MARGIN_S)),
    }
    (run / "up.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    replica = {
        "FERRY_NUM_THREADS": os.environ.get("FERRY_NUM_THREADS") or "1",
        "FERRY_MODELS": str(asked.models.resolve()),
    }
    checked = subprocess.run(
        [nginx, "-t", "-p", f"{run}/nginx/", "-c", "nginx.conf"], capture_output=True, text=True, check=False
    )
    if checked.returncode:
        raise MachineError(f"nginx refuses its configuration in {run}/nginx:\n{checked.stderr}")
    supervisord = [sys.executable, "-m", "supervisor.supervisord", "-c", str(SOURCE / "deploy" / "supervisord.conf")]
    # supervisord and its children must outlive this terminal; what it says before it has a log goes to ours.
    if subprocess.run(supervisord, env=os.environ | settings | replica, cwd=run, check=False).returncode:
        raise MachineError(f"supervisord did not start; see {run}/supervisord.log.")
    try:
        for port in ports:
            _wait_ready(run, port)
        url = f"http://127.0.0.1:{asked.port}"
        _wait(lambda: _answers(url + "/v1/models"), run / "nginx.log")
    except MachineError:
        down(asked)
        raise
    print(f"up: {replicas} replicas behind {url}; logs in {run}; `make down` stops them.")


def roll(asked: argparse.Namespace) -> None:
    """Replace the replicas one by one, never one before all others can translate."""
    run: Path = asked.run
    settings = _read_settings(run)
    ports = _replica_ports(settings)
    if "UP_ONE_DATABASE" not in settings:
        raise MachineError("the replicas were started with a folder of data each; make down, then make up, once.")
    if len(ports) < 2:
        raise MachineError("with one replica there would be a gap; make down, then make up REPLICAS=2.")
    supervisor = _supervisor(run)
    for port in ports:
        for other in ports:
            if other != port:
                _wait_ready(run, other)
        # nginx asks another replica when this one closes its port, and when it breaks off a connection.
        if _state(supervisor, port) in ("RUNNING", "STARTING", "BACKOFF"):
            supervisor.stopProcess(f"replica:{port}")
        supervisor.startProcess(f"replica:{port}")
        _wait_ready(run, port)
        print(f"roll: replica on port {port} is new and ready", flush=True)


def down(asked: argparse.Namespace) -> None:
    """Stop everything, gently first; nothing is left running."""
    run: Path = asked.run
    wait_s = float(_read_settings(run)["UP_STOP_S"])
    for number, patience_s in ((signal.SIGTERM, wait_s + STOP_MARGIN_S), (signal.SIGKILL, STOP_MARGIN_S)):
        running = _processes(run)
        supervisord = _read_pid(run)
        # It stops the others in order. Whoever it left behind, if it was killed itself, hears of it from us.
        for pid in [supervisord] if supervisord in running and number == signal.SIGTERM else running:
            _signal(pid, number)
        end = time.monotonic() + patience_s
        while time.monotonic() < end and _processes(run):
            time.sleep(0.1)
    if left := _processes(run):
        raise MachineError(f"still running: {', '.join(map(str, left))}; is it somebody else's?")
    for name in ("supervisor.sock", "supervisord.pid"):
        (run / name).unlink(missing_ok=True)
    print(f"down: nothing of {run} is running")


def _write_nginx(run: Path, asked: argparse.Namespace, ports: list[int]) -> None:
    """nginx's folder: the repository's files, and the three that say where things are on this machine."""
    folder = run / "nginx"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE / "nginx", folder / "ferry")
    shutil.copy(SOURCE / "deploy" / "nginx.conf", folder)
    upstream = "".join(f"server 127.0.0.1:{port} max_fails=0;\n" for port in ports)
    (folder / "ferry" / "upstream.conf").write_text(upstream, encoding="utf-8")
    site = f"listen {asked.address}:{asked.port};\naccess_log {run}/access.json ferry;\n"
    (folder / "ferry" / "site.conf").write_text(site, encoding="utf-8")
    (folder / "ferry" / "trusted.conf").write_text("127.0.0.0/8 1;\n", encoding="utf-8")


def _wait_ready(run: Path, port: int, num_tries: int = 3) -> None:
    """Wait until a replica translates; not for one that ends again and again."""
    url, supervisor = f"http://127.0.0.1:{port}/health/ready", _supervisor(run)
    pids: set[int] = set()

    def is_settled() -> bool:
        pids.add(supervisor.getProcessInfo(f"replica:{port}")["pid"])
        return _answers(url) or len(pids - {0}) >= num_tries

    log = run / f"replica-{port}.log"
    _wait(is_settled, log)
    if not _answers(url):
        raise MachineError(f"the replica on port {port} ended {num_tries} times. The end of its log, {_tail(log)}")


def _wait(condition: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + START_LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise MachineError(f"not ready after {START_LIMIT_S:g} s. The end of its log, {_tail(log)}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise MachineError(f"port {port}: {error.strerror}; choose others with PORT= and REPLICA_PORT=.") from error


def _read_settings(run: Path) -> dict[str, str]:
    try:
        settings: dict[str, str] = json.loads((run / "up.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MachineError(f"nothing was started in {run}; make up") from error
    return settings


def _replica_ports(settings: dict[str, str]) -> list[int]:
    first = int(settings["UP_REPLICA_PORT"])
    return list(range(first, first + int(settings["UP_REPLICAS"])))


def _supervisor(run: Path) -> Any:
    transport = SupervisorTransport(None, None, f"unix://{run}/supervisor.sock")
    supervisor = xmlrpc.client.ServerProxy("http://127.0.0.1", transport).supervisor
    try:
        supervisor.getState()
    except OSError as error:
        raise MachineError(f"supervisord does not answer in {run}; make up") from error
    return supervisor


def _state(supervisor: Any, port: int) -> str:
    return str(supervisor.getProcessInfo(f"replica:{port}")["statename"])


def _processes(run: Path) -> list[int]:
    """All that `up` started for this folder, also what lost its parent: by environment, or nginx by its folder."""
    mark = f"UP_RUN={run}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            marked = mark in (entry / "environ").read_bytes().split(b"\0")
            if (marked or (entry / "cwd").readlink() == run / "nginx") and not _is_dead(entry):
                found.append(int(entry.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def _is_dead(entry: Path) -> bool:
    return (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def _read_pid(run: Path) -> int:
    try:
        return int((run / "supervisord.pid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return -1


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _tail(log: Path) -> str:
    return "\n".join([str(log), *log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]])


def _count_cores() -> int:
    sys.path.insert(0, str(SOURCE))
    from server.engine.cores import count_cores

    return count_cores()


if __name__ == "__main__":
    sys.exit(main())
