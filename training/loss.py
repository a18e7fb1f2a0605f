"""The training loss: label-smoothed cross-entropy, fused with the output projection.

Logits of a batch are its largest tensor by far ([N, V], 8,000 wide): computed whole, kept for the backward pass
and read four times, they cost more than the projection itself. Here they live a chunk at a time, in buffers that stay
in the last-level cache. `smoothed_cross_entropy_slow` is the same in three plain lines, and the test's yardstick.

The gradient for the logits is softmax - (1 - smoothing) * onehot - smoothing / V. Only the softmax goes through the two
products of the backward pass; what the other two terms add is known without them, and is not rounded to bfloat16.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# 256 rows of 8,000 logits are 8 MB in float32: inside the last-level cache of a server core's share, and enough rows to
# keep the matrix product efficient.
CHUNK_ROWS = 256
# A GPU has no such cache to stay in, but pays for every kernel it starts.
CHUNK_ROWS_GPU = 16_384


def smoothed_cross_entropy(
    states: Tensor, table: Tensor, targets: Tensor, smoothing: float, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Label-smoothed loss, without ever holding the logits of the whole batch.

    Args:
        states: [N, D] of the decoder.
        table: [V, D], the output projection.
        targets: [N] int64.
        smoothing: probability that is spread evenly over all of V, 0 to 1.
        bias: [V] of the logits; None for none.

    Returns:
        The summed smoothed loss (with a gradient), and the summed plain negative log-likelihood (without), both in
        nats; scalars float32.
    """
    loss, nll = _FusedLoss.apply(states, table, targets, smoothing, bias)  # type: ignore[no-untyped-call]
    return loss, nll


def smoothed_cross_entropy_slow(
    states: Tensor, table: Tensor, targets: Tensor, smoothing: float, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """As `smoothed_cross_entropy`, written plainly."""
    logits = F.linear(states, table, bias).float()
    loss = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    return loss, F.cross_entropy(logits, targets, reduction="sum").detach()


class _FusedLoss(torch.autograd.Function):
    """Forward computes all gradients as it goes; backward only hands them out, scaled."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, table: Tensor, targets: Tensor, smoothing: float, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        wide_states, chosen_rows, mean_row = states.float(), table[targets].float(), table.mean(0, dtype=torch.float32)
        chosen, mean = (wide_states * chosen_rows).sum(1), wide_states @ mean_row
        if bias is not None:
            chosen, mean = chosen + bias[targets].float(), mean + bias.mean(dtype=torch.float32)
        if any(ctx.needs_input_grad):
            log_norm, grad_states, grad_table, grad_bias = _softmax_gradients(states, table, bias)
            grad_states -= (1 - smoothing) * chosen_rows + smoothing * mean_row
            grad_table.index_add_(0, targets, wide_states, alpha=smoothing - 1)
            grad_table -= wide_states.sum(0) * (smoothing / len(table))
            if grad_bias is not None:
                grad_bias.index_add_(0, targets, torch.ones_like(chosen), alpha=smoothing - 1)
                grad_bias -= len(states) * (smoothing / len(table))
            ctx.save_for_backward(grad_states, grad_table, grad_bias)
        else:
            chunks = torch.split(states, _chunk_rows(states))
            log_norm = torch.cat([F.linear(chunk, table, bias).float().logsumexp(1) for chunk in chunks])
        ctx.dtype = states.dtype
        nll = (log_norm - chosen).sum()
        ctx.mark_non_differentiable(nll)
        return (log_norm - (1 - smoothing) * chosen - smoothing * mean).sum(), nll

    @staticmethod
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        scaled = (None if grad is None else (grad * grad_loss).to(ctx.dtype) for grad in ctx.saved_tensors)
        grad_states, grad_table, grad_bias = scaled
        return grad_states, grad_table, None, None, grad_bias


def _softmax_gradients(
    states: Tensor, table: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Log of the softmax's denominator [N]; its gradients for states [N, D], table [V, D] and bias [V]; float32."""
    log_norm = torch.empty(len(states), device=states.device)
    grad_states = torch.empty(states.shape, device=states.device)
    grad_table = torch.zeros(table.shape, device=states.device)
    grad_bias = None if bias is None else torch.zeros(bias.shape, device=states.device)
    size = min(_chunk_rows(states), len(states))
    # Buffers are reused: fresh memory for each chunk would come from the system page by page.
    narrow = torch.empty(size, len(table), dtype=states.dtype, device=states.device)
    wide = torch.empty(size, len(table), device=states.device)
    softmax = torch.empty_like(wide)
    of_table = torch.empty_like(table)
    for start in range(0, len(states), size):
        rows = slice(start, min(start + size, len(states)))
        num_rows = rows.stop - start
        product = torch.mm(states[rows], table.T, out=narrow[:num_rows])
        logits = wide[:num_rows].copy_(product)
        if bias is not None:
            logits += bias
        chances = torch.softmax(logits, 1, out=softmax[:num_rows])
        if grad_bias is not None:
            grad_bias += chances.sum(0)
        log_norm[rows] = logits.amax(1) - chances.amax(1).log()  # the highest logit's chance is 1 / denominator
        factor = product.copy_(chances)
        grad_states[rows] = factor @ table
        grad_table += torch.mm(factor.T, states[rows], out=of_table)
    return log_norm, grad_states, grad_table, grad_bias


def _chunk_rows(states: Tensor) -> int:
    return CHUNK_ROWS if states.device.type == "cpu" else CHUNK_ROWS_GPU
