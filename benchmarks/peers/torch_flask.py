"""What a team writes first: Flask, one call of the PyTorch model per request, several worker processes.

    gunicorn --workers 4 --bind 127.0.0.1:8001 torch_flask:app

float32, greedy with `training.decode`: one sentence at a time, and every step computes the whole target again, since
the model has no cache. The encoder runs once.
"""

import os
from pathlib import Path

import torch
from flask import Flask, request

from training.checkpoint import read_checkpoint
from training.data.tokenizer import EOS, Tokenizer
from training.decode import greedy_decode

torch.set_num_threads(int(os.environ.get("THREADS", "1")))
checkpoint = read_checkpoint(Path(os.environ["CHECKPOINT"]))
model = checkpoint.model
tokenizer = Tokenizer(checkpoint.tokenizer, list(checkpoint.tag_ids))
app = Flask(__name__)


@app.post("/translate")
def translate() -> dict[str, str]:
    """One sentence in, one out."""
    asked = request.get_json()
    source = [tokenizer.tag_ids[asked["target"]], *tokenizer.encode([asked["q"]])[0], EOS]
    [target] = greedy_decode(model, [source], [2 * len(source) + 16], checkpoint.suppressed_ids)
    return {"translatedText": tokenizer.decode([target])[0]}
