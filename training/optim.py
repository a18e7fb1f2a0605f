"""How the weights move: AdamW over float32 master weights, a learning-rate schedule, gradient clipping."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.settings import OptimSettings


def learning_rate(step: int, optim: OptimSettings) -> float:
    """The rate of update `step` (from 1)."""
    warm = min(1.0, step / optim.warmup_steps)
    if optim.schedule == "inverse_sqrt":
        return optim.learning_rate * min(warm, math.sqrt(optim.warmup_steps / step))
    falling = optim.max_steps - optim.warmup_steps if optim.schedule == "linear" else optim.decay_steps
    left = (optim.max_steps + 1 - step) / max(falling, 1)
    return optim.learning_rate * max(0.0, min(warm, left))


class Optimizer:
    """AdamW on float32 copies of the model's weights.

    With bf16 weights the copies are what is trained, and the model gets them rounded after every update. Autocast
    would cast every weight at every use instead, which a CPU notices.
    With fp32 weights the copies are the weights themselves.
    """

    def __init__(self, model: nn.Module, optim: OptimSettings) -> None:
        self.optim = optim
        self.params = dict(model.named_parameters())
        self.masters = {name: self._master(param) for name, param in self.params.items()}
        # Norm scales and biases (one axis) are not decayed.
        decayed = [master for master in self.masters.values() if master.ndim > 1]
        others = [master for master in self.masters.values() if master.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": optim.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.adam = torch.optim.AdamW(groups, lr=0.0, betas=(optim.betas[0], optim.betas[1]), eps=1e-9, fused=True)

    def step(self, number: int) -> float:
        """Apply the gradients of update `number` (from 1), clear them, and return their norm before clipping."""
        for name, param in self.params.items():
            master = self.masters[name]
            if master is not param:
                master.grad = param.grad.float() if param.grad is not None else None
        limit = self.optim.clip_norm or math.inf
        norm = nn.utils.clip_grad_norm_(self.masters.values(), limit)
        if not torch.isfinite(norm):
            return float(norm)  # the caller stops the run; the weights stay as they were
        for group in self.adam.param_groups:
            group["lr"] = learning_rate(number, self.optim)
        self.adam.step()
        self._round_to_model()
        for param in self.params.values():
            param.grad = None
        return float(norm)

    def moments(self) -> dict[str, Tensor]:
        """AdamW's two moments of every weight, by name."""
        state = {name: self.adam.state[master] for name, master in self.masters.items()}
        return {f"{name}.{key}": moment[key] for name, moment in state.items() for key in ("exp_avg", "exp_avg_sq")}

    def load(self, weights: Mapping[str, Tensor], moments: Mapping[str, Tensor], steps: int) -> None:
        """Go on from saved master `weights` and `moments` after `steps` updates."""
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(weights[name])
                self.adam.state[master] = {
                    "step": torch.tensor(float(steps)),
                    "exp_avg": moments[f"{name}.exp_avg"].to(master.device),
                    "exp_avg_sq": moments[f"{name}.exp_avg_sq"].to(master.device),
                }
        self._round_to_model()

    @staticmethod
    def _master(param: Tensor) -> Tensor:
        return param if param.dtype == torch.float32 else param.detach().float().requires_grad_()

    def _round_to_model(self) -> None:
        with torch.no_grad():
            for name, param in self.params.items():
                if self.masters[name] is not param:
                    param.copy_(self.masters[name])
