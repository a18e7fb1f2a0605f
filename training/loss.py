"""The training loss: label-smoothed cross-entropy, fused with the output projection.

Logits of a batch are its largest tensor by far ([N, V], 8,000 wide): computed whole, kept for the backward pass
and read four times, they cost more than the projection itself. Here they live a chunk at a time, small enough for
the last-level cache, and their gradient replaces them in place. `smoothed_cross_entropy_slow` is the same
in three plain lines, and the test's yardstick.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# 512 rows of 8,000 float32 logits are 16 MB: inside the last-level cache of a server core's share, and enough
# rows to keep the matrix product efficient.
CHUNK_ROWS = 512
# A GPU has no such cache to stay in, but a price for every kernel started.
CHUNK_ROWS_GPU = 16_384


def smoothed_cross_entropy(states: Tensor, table: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Label-smoothed loss of `states` [N, D] projected on `table` [V, D], against `targets` [N] int64.

    Returns:
        The summed smoothed loss (with a gradient), and the summed plain negative log-likelihood (without), both in
        nats; scalars float32.
    """
    loss, nll = _FusedLoss.apply(states, table, targets, smoothing)  # type: ignore[no-untyped-call]
    return loss, nll


def smoothed_cross_entropy_slow(
    states: Tensor, table: Tensor, targets: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The same, written plainly."""
    logits = F.linear(states, table).float()
    loss = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    return loss, F.cross_entropy(logits, targets, reduction="sum").detach()


class _FusedLoss(torch.autograd.Function):
    """Forward computes both gradients as it goes; backward only hands them out, scaled."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, table: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        need_gradient = any(ctx.needs_input_grad[:2])
        grad_states = torch.empty_like(states) if need_gradient else None
        grad_table = torch.zeros(table.shape, dtype=torch.float32, device=table.device) if need_gradient else None
        loss = states.new_zeros((), dtype=torch.float32)
        nll = states.new_zeros((), dtype=torch.float32)
        chunk = CHUNK_ROWS if states.device.type == "cpu" else CHUNK_ROWS_GPU
        for start in range(0, len(states), chunk):
            rows = slice(start, start + chunk)
            logits = F.linear(states[rows], table).float()
            chosen, mean = logits.gather(1, targets[rows, None])[:, 0], logits.mean(1)
            top = logits.amax(1)
            exponentials = logits.sub_(top[:, None]).exp_()
            total = exponentials.sum(1)
            log_norm = total.log() + top
            nll += (log_norm - chosen).sum()
            loss += (log_norm - (1 - smoothing) * chosen - smoothing * mean).sum()
            if grad_states is None or grad_table is None:
                continue
            # d loss / d logits = softmax - (1 - smoothing) * onehot - smoothing / V
            gradient = exponentials.div_(total[:, None]).sub_(smoothing / table.shape[0])
            gradient.scatter_add_(1, targets[rows, None], gradient.new_full((len(chosen), 1), smoothing - 1))
            gradient = gradient.to(states.dtype)
            grad_states[rows] = gradient @ table
            grad_table += gradient.T @ states[rows]
        ctx.save_for_backward(grad_states, grad_table)
        ctx.table_dtype = table.dtype
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_states, grad_table = ctx.saved_tensors
        return grad_states * grad_loss, (grad_table * grad_loss).to(ctx.table_dtype), None, None
