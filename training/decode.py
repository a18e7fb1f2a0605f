"""The oracle's decoding: greedy, without a cache, every step from scratch. Slow, and hard to get wrong."""

from collections.abc import Sequence

import torch
from torch import Tensor

from training.data.batches import pad
from training.data.tokenizer import BOS, EOS
from training.model import Transformer, padding_mask


@torch.inference_mode()
def greedy_decode(
    model: Transformer,
    sources: Sequence[Sequence[int]],
    max_lengths: Sequence[int],
    suppressed: Sequence[int],
    bos: int = BOS,
    eos: int = EOS,
) -> list[list[int]]:
    """The most likely next id, again and again.

    Args:
        model: in evaluation mode.
        sources: ids with tag and EOS.
        max_lengths: ids to generate at most for each source, EOS included.
        suppressed: ids that are never generated.
        bos: id that a target starts from.
        eos: id that a target ends with.

    Returns:
        For each source its target ids, without BOS and EOS.
    """
    device = model.embedding.weight.device
    source_ids, lengths = pad(sources)
    encoded, mask = encode(model, source_ids.to(device), lengths.to(device))
    target = torch.full((len(sources), 1), bos, device=device)
    limits = torch.tensor(max_lengths, device=device)
    done = torch.zeros(len(sources), dtype=torch.bool, device=device)
    while not done.all():
        logits = model.logits(model.decode(target, encoded, mask)[:, -1]).float()
        logits[:, list(suppressed)] = -torch.inf
        chosen = logits.argmax(-1).masked_fill(done, eos)
        target = torch.cat([target, chosen[:, None]], 1)
        done |= (chosen == eos) | (target.shape[1] - 1 >= limits)
    return [_until_eos(row, limit, eos) for row, limit in zip(target[:, 1:].tolist(), max_lengths, strict=True)]


def encode(model: Transformer, source_ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
    """Encoder states [B, S, D] of `source_ids` [B, S], and the mask that cross-attention needs; `lengths` are [B]."""
    mask = padding_mask(lengths, source_ids.shape[1], model.embedding.weight.dtype)
    return model.encode(source_ids, mask), mask


def _until_eos(ids: list[int], limit: int, eos: int) -> list[int]:
    ids = ids[:limit]
    return ids[: ids.index(eos)] if eos in ids else ids
