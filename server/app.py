"""The HTTP application: the routes of all dialects, and what is not of any: the documents and the page."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from server.access.access import Access
from server.dialects.deepl.routes import build_deepl_dialect
from server.dialects.google.routes import build_google_dialect
from server.dialects.libre.routes import build_libre_dialect
from server.dialects.native.routes import build_native_dialect
from server.dialects.operations.routes import build_operations_dialect
from server.dialects.plugins.routes import build_plugins_dialect
from server.documents.jobs import Documents
from server.models.models import Models
from server.openapi.endpoints import build_openapi_routes
from server.page.assets import page_routes
from server.settings import ServeSettings
from server.storage.storage import Storage
from server.translation.sentences import GuardCounts
from server.translation.translator import Translator
from server.web.debug import get_debug
from server.web.dialect import Dialect, make_exception_handlers
from server.web.metrics import Metrics
from server.web.observed import Observed, answer_routes
from server.web.reload import Reloader, reloading_on_hangup
from server.web.shedding import Shedder
from server.web.state import State
from server.web.tracing import Traced, make_tracer

INDEX = """Ferry translates.

POST /v1/translate   {"text": "Guten Morgen.", "source": "de", "target": "en"}
GET  /translate      ?q=Guten+Morgen.&source=de&target=en
POST /v1/detect      {"text": "Guten Morgen."}
POST /v2/translate   and /v2/languages, /v2/usage, /v3/glossaries: as DeepL's clients ask
POST /translate      and /detect, /languages, /translate_file: as LibreTranslate's clients ask; see /spec
POST /language/translate/v2   and /detect, /languages below it: as Google's clients ask
POST /imme /kiss /translate/batch   as Immersive Translate, Kiss Translator and clients of MTranServer ask
GET  /v1/models      the models, their language pairs and their quality
GET  /docs           all of it; /openapi.json for programs
GET  /               in a browser: a page to type in
GET  /health/live    200 while the process answers
GET  /health/ready   200 while it can translate
GET  /metrics        for Prometheus
"""


def build_app(models: Models, settings: ServeSettings, reloader: Reloader | None = None) -> Starlette:
    """The application over loaded models, its translator in `app.state`.

    It does not close the models: whoever loaded them closes those that the translator holds at the end. These are not
    the first ones if SIGHUP has made `reloader` exchange them.
    """
    storage = Storage(settings)
    documents = Documents(storage.documents, storage.usage)
    dialects = build_dialects(storage, documents)
    routes = [
        # The first that matches answers, so those that are asked most come first.
        *answer_routes(dialects),
        Route("/debug", get_debug, include_in_schema=False),
        *build_openapi_routes(dialects),
        *page_routes(INDEX),
    ]
    translator = Translator(models, settings.limits)
    metrics = Metrics(lambda: translator.models, [route.path for route in routes])
    translator.guard_counts = GuardCounts(metrics.count_suspect, metrics.count_mended, metrics.count_stand_ins)
    access = Access(settings.api_keys, storage.usage, settings.character_limit or None)
    state = State(translator=translator, settings=settings, metrics=metrics, access=access)
    shedder = Shedder(translator, access, settings, dialects)
    app = Starlette(
        routes=routes,
        middleware=_middleware(settings, metrics, shedder),
        exception_handlers=make_exception_handlers(dialects),
        lifespan=_lifespan(state, storage, documents, reloader, shedder),
    )
    app.state.translator = translator
    return app


def build_dialects(storage: Storage, documents: Documents) -> tuple[Dialect, ...]:
    """All that the server speaks. A new dialect is a folder in `server.dialects` and a line here."""
    return (
        build_native_dialect(storage.glossaries),
        build_deepl_dialect(storage.glossaries, documents),
        build_libre_dialect(storage.files),
        build_google_dialect(),
        build_plugins_dialect(),
        build_operations_dialect(),
    )


def _middleware(settings: ServeSettings, metrics: Metrics, shedder: Shedder) -> list[Middleware]:
    """Outermost first."""
    layers = [Middleware(Observed, metrics=metrics, shedder=shedder)]
    if settings.otel:
        layers.insert(0, Middleware(Traced, tracer=make_tracer()))
    if origins := [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]:
        methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
        headers = ("Authorization", "Content-Type", "Prefer", "X-Request-ID")
        exposed = ("Retry-After", "X-Request-ID")
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=methods,
                allow_headers=headers,
                expose_headers=exposed,
            )
        )
    return layers


def _lifespan(
    state: State, storage: Storage, documents: Documents, reloader: Reloader | None, shedder: Shedder
) -> Callable[[Starlette], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        translator = state["translator"]
        async with (
            storage.kept(),
            documents.running(translator),
            shedder.watching(),
            reloading_on_hangup(reloader, translator, state["access"]),
        ):
            yield state

    return lifespan
