"""CTranslate2 behind FastAPI with a window: the first request waits 5 ms for others, up to 32 are one call.

    uvicorn ctranslate2_window:app --loop uvloop --http httptools --no-access-log

While a call runs, what comes waits for the next. MAX_BATCH and WINDOW_S are environment variables.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ctranslate2
from fastapi import FastAPI
from pydantic import BaseModel
from sentencepiece import SentencePieceProcessor

MODEL = os.environ["MODEL"]
MAX_LENGTH = 192  # positions that the model knows
THREADS = int(os.environ.get("THREADS", "1"))
MAX_BATCH, WINDOW_S = int(os.environ.get("MAX_BATCH", "32")), float(os.environ.get("WINDOW_S", "0.005"))
translator = ctranslate2.Translator(MODEL, compute_type="int8", inter_threads=THREADS, intra_threads=1)
pieces = SentencePieceProcessor(model_file=f"{MODEL}/tokenizer.model")
waiting: asyncio.Queue[tuple[list[str], asyncio.Future[list[str]]]] = asyncio.Queue()


async def collect() -> None:
    """Gather requests and translate them together, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        batch = [await waiting.get()]
        end = loop.time() + WINDOW_S
        while len(batch) < MAX_BATCH:
            try:
                async with asyncio.timeout_at(end):
                    batch.append(await waiting.get())
            except TimeoutError:
                break
        sources = [source for source, _ in batch]
        longest = min(MAX_LENGTH, 2 * max(map(len, sources)) + 16)
        results = await asyncio.to_thread(translator.translate_batch, sources, beam_size=1, max_decoding_length=longest)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result.hypotheses[0])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One collector for each call that may run at a time."""
    collectors = [asyncio.create_task(collect()) for _ in range(THREADS)]
    yield
    for collector in collectors:
        collector.cancel()


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    q: str
    target: str


@app.post("/translate")
async def translate(asked: Question) -> dict[str, str]:
    """One sentence in, one out."""
    future: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
    waiting.put_nowait(([f"<2{asked.target}>", *pieces.encode(asked.q, out_type=str), "</s>"], future))
    return {"translatedText": pieces.decode(await future)}
