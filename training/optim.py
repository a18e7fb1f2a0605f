"""How the weights move: AdamW over float32 master weights, a learning-rate schedule, clipping, a moving average."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.settings import OptimSettings

MASTER, AVERAGE, UPDATES = "master.", "average.", "updates"
# Those that a model has; the first of them gives the logits.
TABLES = ("output_embedding.weight", "target_embedding.weight", "embedding.weight")


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

    `updates` counts those applied; `average` is the moving average of the copies, or None if none is asked for.

    Rows of tables that are all zeros stay so, and so do the biases of their logits: an imported model starts its
    targets from such a row, or has it for padding.
    """

    def __init__(self, model: nn.Module, optim: OptimSettings) -> None:
        self.optim = optim
        self.params = dict(model.named_parameters())
        self.masters = {name: self._master(param) for name, param in self.params.items()}
        self.average = (
            {name: master.detach().clone() for name, master in self.masters.items()} if optim.ema_decay else None
        )
        self.updates = 0
        self._hold_zero_rows()
        # Norm scales and biases (one axis) are not decayed.
        decayed = [master for master in self.masters.values() if master.ndim > 1]
        others = [master for master in self.masters.values() if master.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": optim.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.adam = torch.optim.AdamW(groups, lr=0.0, betas=(optim.betas[0], optim.betas[1]), eps=1e-9, fused=True)

    def gather(self, scale: float) -> float:
        """Take over the model's gradients, times `scale`, and return their norm."""
        for name, param in self.params.items():
            master = self.masters[name]
            if master is not param:
                master.grad = param.grad.float() if param.grad is not None else None
                param.grad = None
        for name, rows in self._zero_rows.items():
            gradient = self.masters[name].grad
            if gradient is not None and rows.any():
                gradient[rows] = 0
        gradients = self._gradients()
        for gradient in gradients:
            gradient.mul_(scale)
        return float(nn.utils.get_total_norm(gradients))

    def apply(self, step: int, norm: float) -> None:
        """Make the update of `step` (from 1) with the gradients gathered, whose norm is `norm`."""
        if self.optim.clip_norm and norm > self.optim.clip_norm:
            for gradient in self._gradients():
                gradient.mul_(self.optim.clip_norm / norm)
        for group in self.adam.param_groups:
            group["lr"] = learning_rate(step, self.optim)
        self.adam.step()
        self.updates += 1
        self._move_average()
        self._copy_to_model(self.masters)

    def drop(self) -> None:
        """Forget the gradients."""
        for tensor in (*self.params.values(), *self.masters.values()):
            tensor.grad = None

    def weights(self) -> dict[str, Tensor]:
        """The weights to use: the moving average if there is one."""
        return self.average or self.masters

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give the model the weights to use while the block lasts."""
        if self.average is None:
            yield
            return
        # With fp32 the masters are the model's own weights, so they are put aside.
        trained = {name: param.detach().clone() for name, param in self.params.items()}
        self._copy_to_model(self.average)
        try:
            yield
        finally:
            self._copy_to_model(trained)

    def state(self) -> dict[str, Tensor]:
        """All that `load` needs to go on, by name."""
        saved = {UPDATES: torch.tensor(self.updates)}
        for name, master in self.masters.items():
            moments = self.adam.state[master]
            for key in ("exp_avg", "exp_avg_sq"):
                saved[f"{name}.{key}"] = moments[key] if moments else torch.zeros_like(master)
        saved |= {MASTER + name: master for name, master in self.masters.items()}
        if self.average is not None:
            saved |= {AVERAGE + name: mean for name, mean in self.average.items()}
        return saved

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.updates = int(state[UPDATES])
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(state[MASTER + name])
                self.adam.state[master] = {
                    "step": torch.tensor(float(self.updates), device=master.device),
                    "exp_avg": state[f"{name}.exp_avg"].to(master.device),
                    "exp_avg_sq": state[f"{name}.exp_avg_sq"].to(master.device),
                }
                if self.average is not None:
                    # A run that begins to average when it is resumed starts from where it stands.
                    self.average[name].copy_(state.get(AVERAGE + name, state[MASTER + name]))
        self._copy_to_model(self.masters)
        self._hold_zero_rows()

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with `weights` instead of random ones."""
        for own in (self.masters, self.average or {}):
            for name, tensor in own.items():
                tensor.detach().copy_(weights[name])
        self._copy_to_model(self.masters)
        self._hold_zero_rows()

    def _hold_zero_rows(self) -> None:
        """Find the rows, by name of the parameter, whose gradients are left out."""
        self._zero_rows = {name: (self.masters[name] == 0).all(1) for name in TABLES if name in self.masters}
        if "logits_bias" in self.masters:
            self._zero_rows["logits_bias"] = next(iter(self._zero_rows.values()))

    def _gradients(self) -> list[Tensor]:
        return [master.grad for master in self.masters.values() if master.grad is not None]

    @torch.no_grad()
    def _move_average(self) -> None:
        if self.average is None:
            return
        # The first updates are forgotten fast: a long average would hold on to random weights.
        decay = min(self.optim.ema_decay, (1 + self.updates) / (10 + self.updates))
        for name, mean in self.average.items():
            mean.lerp_(self.masters[name], 1 - decay)

    @torch.no_grad()
    def _copy_to_model(self, weights: Mapping[str, Tensor]) -> None:
        for name, param in self.params.items():
            if weights[name] is not param:
                param.copy_(weights[name])

    @staticmethod
    def _master(param: Tensor) -> Tensor:
        return param if param.dtype == torch.float32 else param.detach().float().requires_grad_()
