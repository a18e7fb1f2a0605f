"""What a step computes: the loss of a batch, as one module, so that DDP sees every use of every weight."""

from typing import Literal

import torch
from torch import Tensor, nn

from training.data.batches import Batch
from training.decode import encode
from training.loss import smoothed_cross_entropy
from training.model import Transformer


class Objective(nn.Module):
    """Summed loss of a batch."""

    def __init__(self, model: Transformer, label_smoothing: float) -> None:
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Summed smoothed loss and negative log-likelihood in nats, padding left out; scalars float32."""
        encoded, mask = encode(self.model, batch.source_ids, batch.source_lengths)
        states = self.model.decode(batch.target_inputs, encoded, mask)
        counted, model = batch.counted, self.model
        targets = batch.target_ids[counted]
        return smoothed_cross_entropy(
            states[counted], model.output_table, targets, self.label_smoothing, model.logits_bias
        )


def compile_layers(model: Transformer) -> None:
    """Let torch.compile fuse each layer, for any lengths. Equal layers share what was compiled."""
    for layer in (*model.encoder, *model.decoder):
        layer.compile(dynamic=True)


def choose_precision(device: torch.device) -> Literal["bf16", "fp32"]:
    """bf16 where the device multiplies in it, else fp32: emulated, it is tens of times slower than fp32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    capabilities = torch.cpu.get_capabilities()
    return "bf16" if any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) else "fp32"
