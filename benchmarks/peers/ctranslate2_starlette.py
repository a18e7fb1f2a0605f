"""CTranslate2 with as little around it as will do, to tell engine from server: all who wait are one call, no window.

uvicorn ctranslate2_starlette:app --loop uvloop --http httptools --no-access-log
"""

import asyncio
import json
import os

import ctranslate2
from sentencepiece import SentencePieceProcessor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

MODEL = os.environ["MODEL"]
MAX_LENGTH = 192  # positions that the model knows
THREADS = int(os.environ.get("THREADS", "1"))
translator = ctranslate2.Translator(MODEL, compute_type="int8", inter_threads=THREADS, intra_threads=1)
pieces = SentencePieceProcessor(model_file=f"{MODEL}/tokenizer.model")
waiting: list[tuple[list[str], asyncio.Future[list[str]]]] = []
workers: set[asyncio.Task[None] | None] = set()


async def work() -> None:
    """Translate all who wait, up to 64 a call, until nobody does."""
    while waiting:
        batch, waiting[:] = waiting[:64], waiting[64:]
        sources = [source for source, _ in batch]
        longest = min(MAX_LENGTH, 2 * max(map(len, sources)) + 16)
        call = asyncio.to_thread(translator.translate_batch, sources, beam_size=1, max_decoding_length=longest)
        for (_, future), result in zip(batch, await call, strict=True):
            if not future.done():
                future.set_result(result.hypotheses[0])
    workers.discard(asyncio.current_task())


async def translate(request: Request) -> JSONResponse:
    """One sentence in, one out."""
    asked = json.loads(await request.body())
    future: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
    waiting.append(([f"<2{asked['target']}>", *pieces.encode(asked["q"], out_type=str), "</s>"], future))
    if len(workers) < THREADS:
        workers.add(asyncio.create_task(work()))
    return JSONResponse({"translatedText": pieces.decode(await future)})


app = Starlette(routes=[Route("/translate", translate, methods=["POST"])])
