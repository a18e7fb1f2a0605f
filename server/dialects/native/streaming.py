"""An answer that goes out while it is made: a line of JSON for each piece, as soon as it is done (NDJSON)."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from server.dialects.native.schema import DoneAnswer, PieceAnswer
from server.errors import FerryError
from server.translation.translator import Piece
from server.web.answers import ErrorAnswer, describe_error, report_failure
from server.web.disconnect import unless_gone
from server.web.state import FerryRequest

_MEDIA_TYPE = "application/x-ndjson"
# nginx would keep the pieces until it has a buffer full of them.
HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}

_ENCODER = msgspec.json.Encoder()


async def stream_answer(request: FerryRequest, pieces: AsyncGenerator[Piece]) -> Response:
    """The answer to `request`, begun when the first piece is there: what fails before has its own status.

    Raises:
        ClientDisconnect: the client has gone before the first piece.
        FerryError: something failed before the first piece.
    """
    first = await unless_gone(request.receive, anext(pieces, None))
    request.state["metrics"].observe_first_piece(time.perf_counter() - request.scope["ferry.started"])
    return StreamingResponse(_lines(request, first, pieces), 200, HEADERS, _MEDIA_TYPE)


async def _lines(request: FerryRequest, first: Piece | None, pieces: AsyncGenerator[Piece]) -> AsyncIterator[bytes]:
    """A line for each piece, then one that says that all is done, or why not."""
    async with aclosing(pieces):
        try:
            if first is not None:
                yield _line(PieceAnswer(first.index, first.text))
            async for piece in pieces:
                yield _line(PieceAnswer(piece.index, piece.text))
            yield _line(DoneAnswer())
        except FerryError as error:
            request.scope["ferry.error_code"] = error.code
            yield _line(ErrorAnswer(describe_error(error)))
        except ClientDisconnect:
            raise
        except Exception as error:
            yield _line(ErrorAnswer(describe_error(report_failure(error))))


def _line(answer: PieceAnswer | DoneAnswer | ErrorAnswer) -> bytes:
    return _ENCODER.encode(answer) + b"\n"
