"""What the handlers of all dialects share, typed: the lifespan puts it into `request.state`."""

from typing import TypedDict

from starlette.requests import Request

from server.access.access import Access
from server.settings import ServeSettings
from server.translation.translator import Translator
from server.web.metrics import Metrics


class State(TypedDict):
    """The parts of the running application."""

    translator: Translator
    settings: ServeSettings
    metrics: Metrics
    access: Access


FerryRequest = Request[State]
