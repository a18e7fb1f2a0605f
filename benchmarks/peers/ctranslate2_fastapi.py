"""CTranslate2 behind FastAPI, one call per request, as most examples have it.

    uvicorn ctranslate2_fastapi:app --loop uvloop --http httptools --no-access-log

A plain `def` runs in FastAPI's pool of threads; CTranslate2 lets go of Python's lock and queues the calls.
"""

import os

import ctranslate2
from fastapi import FastAPI
from pydantic import BaseModel
from sentencepiece import SentencePieceProcessor

MODEL = os.environ["MODEL"]
MAX_LENGTH = 192  # positions that the model knows
translator = ctranslate2.Translator(
    MODEL, compute_type="int8", inter_threads=int(os.environ.get("THREADS", "1")), intra_threads=1
)
pieces = SentencePieceProcessor(model_file=f"{MODEL}/tokenizer.model")
app = FastAPI()


class Question(BaseModel):
    q: str
    target: str


@app.post("/translate")
def translate(asked: Question) -> dict[str, str]:
    """One sentence in, one out."""
    source = [f"<2{asked.target}>", *pieces.encode(asked.q, out_type=str), "</s>"]
    [result] = translator.translate_batch(
        [source], beam_size=1, max_decoding_length=min(MAX_LENGTH, 2 * len(source) + 16)
    )
    return {"translatedText": pieces.decode(result.hypotheses[0])}
