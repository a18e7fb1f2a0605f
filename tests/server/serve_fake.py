"""`ferry-serve` as a process of its own, over the fake engine; run by test_serve.py.

Arguments: the tokenizer file, the folder of a bundle, then those of ferry-serve. The engine fails as soon as it is
asked to translate `Stirb.`, and never answers `Warte.`.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from server import serve
from server.bundle import GoldenLine
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.errors import EngineStoppedError
from server.models.models import Model, Models
from server.text.tokenizer import Tokenizer
from tests.server.conftest import tiny_model
from tests.server.fakes import FakeEngine


class MortalEngine(FakeEngine):
    def __init__(self, tokenizer: Tokenizer, on_failure: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._on_failure = on_failure

    def submit(
        self,
        source_ids: Sequence[int],
        options: SearchOptions,
        *,
        deadline: float | None = None,
        caller: Caller = ANYBODY,
    ) -> Future[SentenceResult]:
        text = self._tokenizer.decode(source_ids)
        if text == "Stirb.":
            self.failed = True
            self._on_failure(RuntimeError("as asked"))
            raise EngineStoppedError("the engine has failed")
        self.hold = text == "Warte."
        return super().submit(source_ids, options, deadline=deadline, caller=caller)


def main() -> int:
    tokenizer, folder = Tokenizer.load(Path(sys.argv[1])), Path(sys.argv[2])

    def load_models(
        path: Path, settings: EngineSettings, on_failure: Callable[[BaseException], None], say: Callable[[str], None]
    ) -> Models:
        say("loading")
        model: Model = tiny_model(MortalEngine(tokenizer, on_failure), tokenizer, folder)
        return Models((model,))

    serve.load_models = load_models
    serve.read_golden = lambda bundle: [GoldenLine("de", "en", "Der Hund's Haus.", (), ())]
    return serve.main(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
