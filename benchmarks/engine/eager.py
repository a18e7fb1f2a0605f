"""PyTorch eager, the simple way: Ferry's own model in float32, greedy, with keys and values kept from step to step.

What one writes in an afternoon, and about what a library of models does by default: one padded batch, nobody leaves
before the last has ended, caches grow by concatenation. Not what a tuned PyTorch could reach.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.work import AtOnce, Group, Ids
from training.data.batches import pad
from training.data.tokenizer import BOS, EOS
from training.decode import encode
from training.model import Attention, DecoderLayer, Transformer, sinusoids

STREAM_BATCH = 32  # sentences of a stream translated together, in the order of the file

Cache = tuple[Tensor, Tensor]  # keys and values, [B, H, T, E]


class Eager:
    """Greedy search with a checkpoint's model."""

    def __init__(self, model: Transformer, threads: int, suppressed_ids: Sequence[int]) -> None:
        torch.set_num_threads(threads)
        self._model = model
        self._suppressed = list(suppressed_ids)
        self._batch_size = STREAM_BATCH

    def beam_sizes(self, wanted: Sequence[int]) -> list[int]:
        """See `System`."""
        return [size for size in wanted if size == 1]

    def prepare(self, groups: Sequence[Group], at_once: AtOnce, beam_size: int) -> str:
        """See `System`."""
        self._batch_size = at_once or STREAM_BATCH
        self.translate(groups[0], beam_size)
        return f"batches of {self._batch_size}"

    def translate(self, group: Group, beam_size: int) -> list[Ids]:
        """See `System`."""
        assert beam_size == 1, "it searches greedily"
        parts = [group.sources[i : i + self._batch_size] for i in range(0, len(group.sources), self._batch_size)]
        return [ids for part in parts for ids in self._translate(part, group.limit)]

    def read(self, translated: list[Ids]) -> list[Ids]:
        """See `System`."""
        return translated

    def close(self) -> None:
        """See `System`."""

    @torch.inference_mode()
    def _translate(self, sources: Sequence[Ids], limit: int) -> list[Ids]:
        model = self._model
        source_ids, lengths = pad(sources)
        encoded, mask = encode(model, source_ids, lengths)
        layers = [layer for layer in model.decoder if isinstance(layer, DecoderLayer)]
        cross = [_keys_and_values(layer.cross_attention, encoded) for layer in layers]
        own: list[Cache | None] = [None] * len(layers)
        positions = sinusoids(limit, model.settings.d_model)
        last = torch.full((len(sources), 1), BOS)
        chosen: list[Tensor] = []
        done = torch.zeros(len(sources), dtype=torch.bool)
        while len(chosen) < limit and not done.all():
            x = model.embedding(last) * math.sqrt(model.settings.d_model) + positions[len(chosen)]
            for index, layer in enumerate(layers):
                x, own[index] = _step(layer, x, own[index], cross[index], mask)
            logits = model.logits(model.decoder_norm(x[:, -1]))
            logits[:, self._suppressed] = -torch.inf
            last = logits.argmax(-1, keepdim=True).masked_fill(done[:, None], EOS)
            done |= last[:, 0] == EOS
            chosen.append(last)
        return [_until_eos(row) for row in torch.cat(chosen, 1).tolist()]


def _step(layer: DecoderLayer, x: Tensor, own: Cache | None, cross: Cache, mask: Tensor | None) -> tuple[Tensor, Cache]:
    """One position [B, 1, D] through a layer; the layer's own keys and values with that position added."""
    attention = layer.self_mixing
    assert isinstance(attention, Attention), "an SSRU has no keys"
    grown: list[Cache] = []

    def mix(y: Tensor) -> Tensor:
        key, value = _keys_and_values(attention, y)
        if own is not None:
            key, value = torch.cat([own[0], key], 2), torch.cat([own[1], value], 2)
        grown.append((key, value))
        return _attend(attention, y, key, value, None)

    x = layer.self_residual(x, mix)
    x = layer.cross_residual(x, lambda y: _attend(layer.cross_attention, y, *cross, mask))
    return layer.feed_forward_residual(x, layer.feed_forward), grown[0]


def _keys_and_values(attention: Attention, x: Tensor) -> Cache:
    return attention.split_heads(attention.key(x)), attention.split_heads(attention.value(x))


def _attend(attention: Attention, queries: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    query = attention.split_heads(attention.query(queries))
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return attention.output(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def _until_eos(ids: list[int]) -> Ids:
    return tuple(ids[: ids.index(EOS) + 1] if EOS in ids else ids)
