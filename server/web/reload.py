"""The bundles on disk read again while the server answers: what is new is loaded beside what runs, and replaces it."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from server.access.access import Access
from server.bundle import read_bundle
from server.engine.types import EngineSettings
from server.errors import FerryError
from server.models.heaps import give_back
from server.models.loading import OnFailure, Say, find_bundles
from server.models.models import Model, Models
from server.translation.translator import Translator

# Loads and verifies one bundle, as `server.models.loading.load_model` does.
LoadModel = Callable[[Path, EngineSettings, OnFailure, Say], Model]

_log = logging.getLogger("ferry")


@asynccontextmanager
async def reloading_on_hangup(
    reloader: "Reloader | None", translator: Translator, access: Access
) -> AsyncIterator[None]:
    """While the context lasts, SIGHUP reads keys and bundles again; without a reloader the signal is left alone.

    `access` reads the keys, `reloader` the bundles, and `translator` answers with them.
    """
    if reloader is None:
        yield
        return
    tasks: set[asyncio.Task[bool]] = set()

    def begin() -> None:
        try:
            access.reload()
        except FerryError as error:
            _log.error("reload: %s\nThe keys stay as they were.", error)
        if len(tasks) > 1:
            return  # one that has not begun yet will read what is on disk then
        task = asyncio.get_running_loop().create_task(reloader.reload(translator))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, begin)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it would kill us in the middle of an orderly end
        # A bundle that is being loaded is waited for: its engine must not outlive the others unseen.
        await asyncio.gather(*tasks, return_exceptions=True)


class Reloader:
    """Reads the folder of bundles again when asked. Until all of it is verified, and if it is not, nothing changes."""

    def __init__(
        self,
        path: Path,
        settings: EngineSettings,
        load_model: LoadModel,
        on_failure: OnFailure,
        say: Say,
        grace_s: float,
    ) -> None:
        """Load nothing yet.

        Args:
            path: the folder of bundles.
            settings: of each engine.
            load_model: loads and verifies one bundle.
            on_failure: told when an engine that answers requests dies.
            say: told of each step.
            grace_s: seconds for the sentences that an old model still holds when no request uses it any more.
        """
        self._path = path
        self._settings = settings
        self._load_model = load_model
        self._on_failure = on_failure
        self._say = say
        self._grace_s = grace_s
        self._lock = asyncio.Lock()

    async def reload(self, translator: Translator) -> bool:
        """Serve what is on disk now; returns whether that went well. A second call waits for the first."""
        async with self._lock:
            old = translator.models
            try:
                new = await asyncio.to_thread(self._load, old)
            except FerryError as error:
                _log.error("reload: %s\nThe models stay as they were.", error)
                return False
            await translator.swap(new)
            gone = [model for model in old.all if model not in new.all]
            for model in gone:
                await asyncio.to_thread(model.engine.close, self._grace_s)
                self._say(f"{model.bundle.path}: {model.manifest.name} {model.manifest.version} unloaded")
            self._say(f"reloaded: {len(new.all)} models, {len(new.all) - len(old.all) + len(gone)} of them new")
            if gone:
                del old, gone, model  # or they would still be in memory
                await asyncio.to_thread(give_back)
            return True

    def _load(self, old: Models) -> Models:
        """What is on disk; of it, what runs already is kept.

        Raises:
            BundleError: a bundle cannot be served; none of the new ones is left running.
            SettingsError: one does not fit the engine's sizes; likewise.
        """
        models: list[Model] = []
        try:
            for path in find_bundles(self._path):
                models.append(self._find_running(path, old) or self._load_new(path))  # noqa: PERF401 (known when the next fails)
        except BaseException:
            for model in models:
                if model not in old.all:
                    model.engine.close(0.0)
            raise
        return Models(tuple(models))

    def _find_running(self, path: Path, old: Models) -> Model | None:
        """The model that runs from the same files, by their hashes."""
        manifest = read_bundle(path).manifest
        return next((each for each in old.all if each.bundle.path == path and each.manifest == manifest), None)

    def _load_new(self, path: Path) -> Model:
        serving = False

        def failed(error: BaseException) -> None:
            # While it is being verified it answers nobody; the error of the self-test says it all.
            if serving:
                self._on_failure(error)

        model = self._load_model(path, self._settings, failed, self._say)
        serving = True
        return model
