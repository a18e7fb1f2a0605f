"""Marian, asked in a process of its own: a line of JSON in, one out. Needs pymarian and nothing else.

    PYTHON marian_worker.py "OPTIONS OF marian-decoder"

It is asked {"lines": [[...], ...]}, groups of lines, and answers the seconds that these calls took, one after another,
the processor time, and the texts. Output of its own goes to stderr.
"""

import json
import os
import sys
import time

from pymarian import Translator


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    translator = Translator(sys.argv[1])
    answers.write("{}\n")
    answers.flush()
    for line in sys.stdin:
        groups = json.loads(line)["lines"]
        started, cpu = time.perf_counter(), time.process_time()
        texts = [translator.translate(group) for group in groups]
        found = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu, "texts": texts}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
