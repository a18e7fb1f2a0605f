"""Ferry's commands out of one process that has imported everything, for scripts that start a dozen of them.

`python -m tests.system.warm SOCKET` imports what `[project.scripts]` names, then runs each command that it is asked for
in a fork of itself, with the caller's arguments, folder and standard files. Beside the socket lies a program for each
command, which asks for it and ends with its status.
"""

import importlib
import json
import os
import socket
import sys
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Small and without any of our imports: it is started for each command.
CLIENT = """#!{python} -IS
import json, os, socket, sys
asks = json.dumps([{name!r}, sys.argv[1:], os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX) as line:
    line.connect({path!r})
    socket.send_fds(line, [asks], [0, 1, 2])
    line.shutdown(socket.SHUT_WR)
    sys.exit(int(line.recv(16) or b"1"))
"""


def load_commands() -> dict[str, Callable[[list[str]], int]]:
    """The function behind the name of each command that Ferry installs."""
    scripts: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    found = {}
    for name, target in scripts.items():
        module, _, function = target.partition(":")
        found[name] = getattr(importlib.import_module(module), function)
    return found


def write_clients(path: Path, names: list[str]) -> None:
    """A program beside the socket `path` for each of `names`."""
    for name in names:
        client = path.with_name(name)
        client.write_text(CLIENT.format(python=sys.executable, name=name, path=str(path)))
        client.chmod(0o755)


def answer(line: socket.socket, commands: dict[str, Callable[[list[str]], int]]) -> None:
    """Run the command that `line` asks for, and tell its status."""
    asked, files, _, _ = socket.recv_fds(line, 1 << 20, 3)
    name, arguments, folder = json.loads(asked)
    child = os.fork()
    if child == 0:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(folder)
        os._exit(run(commands[name], arguments))
    for file in files:
        os.close(file)
    line.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def run(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    """The status of `command`, whatever becomes of it."""
    try:
        status = command(arguments)
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def main() -> None:
    path = Path(sys.argv[1])
    commands = load_commands()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        write_clients(path, list(commands))
        print("ready", flush=True)
        while True:
            with door.accept()[0] as line:
                answer(line, commands)


if __name__ == "__main__":
    main()
