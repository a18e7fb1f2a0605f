"""`ferry-serve` with a handle for what cannot be done to it from outside, in the file that FERRY_TEST_HOOKS names.

A line each: `die 1` (the engine thread fails at its next step), `steps 30` (it takes so many more and then holds, until
nothing of the kind stands there), `step_s 0.1` (every step takes so much longer), and `clock 86400` (the wall clock is
so many seconds ahead).
"""

import os
import sys
import time
from pathlib import Path

_FILE = Path(os.environ["FERRY_TEST_HOOKS"])
_time = time.time


def hook(name: str) -> float:
    """The number after `name`, 0 if it is not there."""
    words = _FILE.read_text().split()
    return float(words[words.index(name) + 1]) if name in words else 0.0


def main() -> int:
    time.time = lambda: _time() + hook("clock")
    from server.engine.worker import Worker

    decode = Worker._decode
    num_taken = 0  # since `steps` stands there

    def hooked(worker: Worker) -> None:
        nonlocal num_taken
        num_taken = num_taken + 1 if hook("steps") else 0
        while 0 < hook("steps") < num_taken:
            time.sleep(0.02)
        if hook("die"):
            raise RuntimeError("as asked")
        time.sleep(hook("step_s"))
        decode(worker)

    Worker._decode = hooked  # type: ignore[method-assign]
    from server import serve

    return serve.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
