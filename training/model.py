"""The model: an encoder-decoder Transformer, written to be read.

Pre-norm, RMSNorm, ReLU, no biases, tied embeddings, sinusoidal positions, many encoder layers and few decoder
layers by default; what else published models have (norms, activations, biases, positions, tables, recurrence) is a
setting, so that they fit the same code. There is no cache here: this is the oracle that faster decoders are held to.

Axis letters: B sentences, S source ids, T target ids, D d_model, H heads, E head_dim, V vocabulary.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Block = Callable[[Tensor], Tensor]
Activation = Literal["relu", "gelu", "quick_gelu", "swish"]
Positions = Literal["marian", "transformers", "learned"]
Side = Literal["source", "target"]


@dataclass(frozen=True)
class ModelSettings:
    """Shape of the model. Sizes of vocabularies come from the tokenizers.

    Attributes:
        activation: gelu is exact; quick_gelu is x * sigmoid(1.702 x).
        final_norm: with the norms before, whether the last states of encoder and decoder are normed as well.
        positions: which sinusoids, see `sinusoids`; learned are two tables of `max_positions` rows.
        position_offset: number of the first position, for sinusoids; fairseq's count from 2.
        max_positions: rows of learned tables; what lies beyond has the last of them. 0 for sinusoids.
        tie_source_target: one table embeds the ids of both sides.
        tie_target_output: the table that embeds target ids also gives the logits.
        logits_bias: each target id has a bias of its logit.
        alignment_layer: decoder layer whose cross-attention was trained to align, by its first head; -1 where none was.
    """

    d_model: int = 256
    d_ff: int = 1024
    num_heads: int = 4
    num_encoder_layers: int = 6
    num_decoder_layers: int = 2
    decoder_mixing: Literal["attention", "ssru"] = "attention"
    norm: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    norm_place: Literal["pre", "post"] = "pre"
    norm_epsilon: float = 1e-6
    final_norm: bool = True
    activation: Activation = "relu"
    biases: bool = False
    positions: Positions = "marian"
    position_offset: int = 0
    max_positions: int = 0
    tie_source_target: bool = True
    tie_target_output: bool = True
    logits_bias: bool = False
    alignment_layer: int = -1
    dropout: float = 0.1
    # feature: one mask per sentence and feature, cheap and strong; element: every number by itself, as published.
    dropout_mask: Literal["feature", "element"] = "feature"

    @property
    def head_dim(self) -> int:
        """Features of one attention head."""
        return self.d_model // self.num_heads

    def faults(self) -> list[str]:
        """What makes these settings impossible, in words; empty if nothing does."""
        faults = []
        if self.d_model % self.num_heads:
            faults.append(f"model.d_model = {self.d_model} is not a multiple of model.num_heads = {self.num_heads}")
        if self.head_dim % 8:
            faults.append(f"model.d_model / model.num_heads = {self.head_dim}; the runtime wants a multiple of 8")
        if not 0 <= self.dropout < 1:
            faults.append(f"model.dropout = {self.dropout} is outside [0, 1)")
        if not 0 < self.norm_epsilon < 1:
            faults.append(f"model.norm_epsilon = {self.norm_epsilon} is outside (0, 1)")
        if (self.positions == "learned") != (self.max_positions > 0) or self.position_offset < 0:
            faults.append(
                f"model.positions = {self.positions!r} with model.max_positions = {self.max_positions} and "
                f"model.position_offset = {self.position_offset}: learned positions have 1 or more, sinusoids none, "
                "and no offset is below 0"
            )
        if not -1 <= self.alignment_layer < self.num_decoder_layers:
            faults.append(
                f"model.alignment_layer = {self.alignment_layer}; it must be below model.num_decoder_layers = "
                f"{self.num_decoder_layers}, or -1 for none"
            )
        sizes = ("d_model", "d_ff", "num_heads", "num_encoder_layers", "num_decoder_layers")
        small = [name for name in sizes if getattr(self, name) < 1]
        return faults + [f"model.{name} = {getattr(self, name)}; it must be at least 1" for name in small]


class Transformer(nn.Module):
    """Encoder, decoder and their tables: by default one, shared by source, target and output projection."""

    def __init__(self, settings: ModelSettings, vocab_size: int, target_vocab_size: int | None = None) -> None:
        """Build it with random weights.

        Args:
            settings: its shape.
            vocab_size: ids of the source side.
            target_vocab_size: ids of the target side, None for as many; equal where one table embeds both.
        """
        super().__init__()
        self.settings = settings
        self.vocab_size = vocab_size
        self.target_vocab_size = vocab_size if target_vocab_size is None else target_vocab_size
        assert not settings.tie_source_target or self.target_vocab_size == vocab_size
        width = settings.d_model
        self.embedding = nn.Embedding(vocab_size, width)
        if not settings.tie_source_target:
            self.target_embedding = nn.Embedding(self.target_vocab_size, width)
        if not settings.tie_target_output:
            self.output_embedding = nn.Embedding(self.target_vocab_size, width)
        self.logits_bias = nn.Parameter(torch.zeros(self.target_vocab_size)) if settings.logits_bias else None
        if settings.positions == "learned":
            self.source_positions = nn.Embedding(settings.max_positions, width)
            self.target_positions = nn.Embedding(settings.max_positions, width)
        self.encoder = nn.ModuleList(EncoderLayer(settings) for _ in range(settings.num_encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(settings) for _ in range(settings.num_decoder_layers))
        final = settings.norm_place == "pre" and settings.final_norm
        self.encoder_norm = build_norm(settings) if final else nn.Identity()
        self.decoder_norm = build_norm(settings) if final else nn.Identity()
        self.dropout = build_dropout(settings)
        self.apply(initialise)

    def encode(self, input_ids: Tensor, mask: Tensor | None) -> Tensor:
        """Encoder states [B, S, D] of `input_ids` [B, S]; `mask` as from `padding_mask`."""
        x = self.embed(input_ids, "source")
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x)  # type: ignore[no-any-return]

    def decode(self, target_ids: Tensor, encoded: Tensor, mask: Tensor | None) -> Tensor:
        """Decoder states [B, T, D]; position t has seen `target_ids` [B, T] up to and including t.

        `encoded` [B, S, D] and its `mask` are as `training.decode.encode` gives them.
        """
        x = self.embed(target_ids, "target")
        causal = causal_mask(target_ids.shape[1], x)
        for layer in self.decoder:
            x = layer(x, causal, encoded, mask)
        return self.decoder_norm(x)  # type: ignore[no-any-return]

    def logits(self, states: Tensor) -> Tensor:
        """Unnormalised log-probabilities [..., V] of the next id, from decoder states [..., D]."""
        return F.linear(states, self.output_table, self.logits_bias)

    def embed(self, ids: Tensor, side: Side) -> Tensor:
        """Scaled embeddings plus positions, [B, T, D] of `ids` [B, T]."""
        table = self.embedding.weight if side == "source" else self.target_table
        x = F.embedding(ids, table) * math.sqrt(self.settings.d_model)
        return self.dropout(x + self.positions(ids.shape[1], side).to(x))  # type: ignore[no-any-return]

    def positions(self, length: int, side: Side) -> Tensor:
        """[length, D]: what is added at each position of one side."""
        settings = self.settings
        if settings.positions != "learned":
            return sinusoids(length, settings.d_model, settings.positions, settings.position_offset)
        table = self.source_positions if side == "source" else self.target_positions
        return table.weight[torch.arange(length).clamp(max=settings.max_positions - 1)]

    @property
    def target_table(self) -> Tensor:
        """[V, D]: what embeds target ids."""
        return self.embedding.weight if self.settings.tie_source_target else self.target_embedding.weight

    @property
    def output_table(self) -> Tensor:
        """[V, D]: what states are multiplied with to logits."""
        return self.target_table if self.settings.tie_target_output else self.output_embedding.weight


class EncoderLayer(nn.Module):
    """Self-attention over the whole source, then the feed-forward block."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.self_attention = Attention(settings)
        self.feed_forward = FeedForward(settings)
        self.self_residual = Residual(settings)
        self.feed_forward_residual = Residual(settings)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The residual stream `x` [B, S, D] after this layer."""
        x = self.self_residual(x, lambda y: self.self_attention(y, y, mask))
        return self.feed_forward_residual(x, self.feed_forward)  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """Self-mixing over the target so far (attention or SSRU), cross-attention, feed-forward."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.mixing = settings.decoder_mixing
        self.self_mixing = Attention(settings) if self.mixing == "attention" else SSRU(settings)
        self.cross_attention = Attention(settings)
        self.feed_forward = FeedForward(settings)
        self.self_residual = Residual(settings)
        self.cross_residual = Residual(settings)
        self.feed_forward_residual = Residual(settings)

    def forward(self, x: Tensor, causal: Tensor, encoded: Tensor, mask: Tensor | None) -> Tensor:
        """The residual stream `x` [B, T, D] after this layer.

        Args:
            x: [B, T, D].
            causal: [T, T] additive mask, unused by an SSRU.
            encoded: [B, S, D] of the encoder.
            mask: [B, 1, 1, S] additive, over `encoded`; None if nothing is padded.
        """
        if self.mixing == "attention":
            x = self.self_residual(x, lambda y: self.self_mixing(y, y, causal))
        else:
            x = self.self_residual(x, self.self_mixing)
        x = self.cross_residual(x, lambda y: self.cross_attention(y, encoded, mask))
        return self.feed_forward_residual(x, self.feed_forward)  # type: ignore[no-any-return]


class Residual(nn.Module):
    """x + dropout(block(norm(x))) before, or norm(x + dropout(block(x))) after, as `norm_place` says."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.pre = settings.norm_place == "pre"
        self.norm = build_norm(settings)
        self.dropout = build_dropout(settings)

    def forward(self, x: Tensor, block: Block) -> Tensor:
        """`x` [B, T, D] with what `block` adds to it."""
        if self.pre:
            return x + self.dropout(block(self.norm(x)))  # type: ignore[no-any-return]
        return self.norm(x + self.dropout(block(x)))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Multi-head attention with an additive mask.

    Products and softmax are written out: at sentence lengths, PyTorch's fused attention for the CPU was 39 % of
    a training step, and the plain form made the whole step 1.5 to 1.9 times faster (measured).
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, biases = settings.d_model, settings.biases
        self.num_heads, self.head_dim = settings.num_heads, settings.head_dim
        self.query = nn.Linear(width, width, bias=biases)
        self.key = nn.Linear(width, width, bias=biases)
        self.value = nn.Linear(width, width, bias=biases)
        self.output = nn.Linear(width, width, bias=biases)

    def forward(self, queries: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        """What each of `queries` [B, T, D] gathers from `memory` [B, S, D]; `mask` is additive, None hides nothing."""
        query = self.split_heads(self.query(queries) * self.head_dim**-0.5)
        key, value = self.split_heads(self.key(memory)), self.split_heads(self.value(memory))
        scores = query @ key.transpose(-1, -2)
        if mask is not None:
            scores = scores + mask
        mixed = scores.softmax(-1) @ value
        return self.output(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def split_heads(self, x: Tensor) -> Tensor:
        """[B, T, D] to [B, H, T, E]."""
        return x.view(*x.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)


class SSRU(nn.Module):
    """Simpler simple recurrent unit: one vector of state instead of a growing cache.

    f_t = sigmoid(W_f x_t + b_f);  c_t = f_t * c_{t-1} + (1 - f_t) * W x_t;  o_t = relu(c_t)
    Source: Kim et al. 2019, "From Research to Production and Back", equation 4.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width = settings.d_model
        self.forget = nn.Linear(width, width, bias=True)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [B, T, D] of the recurrence over `x` [B, T, D]."""
        forget = torch.sigmoid(self.forget(x))
        update = (1 - forget) * self.value(x)
        cell = torch.zeros_like(update[:, 0])
        cells = []
        for step in range(x.shape[1]):
            cell = forget[:, step] * cell + update[:, step]
            cells.append(cell)
        return F.relu(torch.stack(cells, 1))


class FeedForward(nn.Module):
    """Two linear maps around an activation, position by position."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.inner = nn.Linear(settings.d_model, settings.d_ff, bias=settings.biases)
        self.outer = nn.Linear(settings.d_ff, settings.d_model, bias=settings.biases)
        activations: dict[str, Block] = {"relu": F.relu, "gelu": F.gelu, "quick_gelu": quick_gelu, "swish": F.silu}
        self.activation = activations[settings.activation]

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] of `x` [B, T, D]."""
        return self.outer(self.activation(self.inner(x)))  # type: ignore[no-any-return]


def quick_gelu(x: Tensor) -> Tensor:
    """Gelu nearly: x * sigmoid(1.702 x). Source: Hendrycks and Gimpel 2016, section 2."""
    return x * torch.sigmoid(1.702 * x)


class FeatureDropout(nn.Module):
    """Dropout with one mask per sentence and feature, the same at every position.

    Source: Gal and Ghahramani 2016. Besides regularising recurrences it draws T times fewer random numbers, which
    on a CPU were 13 % of a training step (measured).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """`x` [B, T, D], whole features zeroed in training."""
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = torch.empty(x.shape[0], 1, x.shape[2], device=x.device, dtype=torch.float32).bernoulli_(keep).div_(keep)
        return x * mask.to(x.dtype)


class ElementDropout(nn.Module):
    """Dropout of every element by itself; on a CPU the rate is rounded to a multiple of 1/256.

    A CPU draws one random byte an element, eight at a time: 3.7 times faster than torch's own, which was a tenth
    of a training step at d=128 (measured). The kept elements are scaled by the rate really used.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """`x`, of any shape, single elements zeroed in training."""
        if not self.training or self.rate == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.rate)
        dropped = min(round(self.rate * 256), 255)  # of 256 values of a byte; never all of them
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = (words.view(torch.uint8)[: x.numel()] >= dropped).view(x.shape)
        return x * kept.to(x.dtype).mul_(256 / (256 - dropped))


def build_dropout(settings: ModelSettings) -> nn.Module:
    """Dropout of single elements, or of a sentence's whole features, as the settings ask."""
    return ElementDropout(settings.dropout) if settings.dropout_mask == "element" else FeatureDropout(settings.dropout)


def build_norm(settings: ModelSettings) -> nn.Module:
    """The norm over D that the settings ask for."""
    if settings.norm == "rmsnorm":
        return nn.RMSNorm(settings.d_model, eps=settings.norm_epsilon)
    return nn.LayerNorm(settings.d_model, eps=settings.norm_epsilon, bias=settings.biases)


def padding_mask(lengths: Tensor, size: int, dtype: torch.dtype) -> Tensor | None:
    """Additive mask [B, 1, 1, `size`] in `dtype` that hides what lies past `lengths` [B]; None if nothing does."""
    if bool((lengths == size).all()):
        return None
    hidden = torch.arange(size, device=lengths.device) >= lengths[:, None]
    return torch.zeros(hidden.shape, dtype=dtype, device=lengths.device).masked_fill_(hidden, -1e9)[:, None, None]


def causal_mask(size: int, like: Tensor) -> Tensor:
    """Additive mask [size, size] that hides later positions, in the type of `like`."""
    return torch.full((size, size), -1e9, dtype=like.dtype, device=like.device).triu_(1)


def sinusoids(length: int, width: int, kind: Positions = "marian", offset: int = 0) -> Tensor:
    """Positions [length, width] float32: sines in the first half of the features, cosines in the second.

    Source: Vaswani et al. 2017, section 3.5, with the two kinds side by side instead of interleaved.

    Args:
        length: positions, from `offset`.
        width: features, an even number.
        kind: the slowest feature turns 10,000 times as slowly as the first by Marian's formula, which is
            tensor2tensor's and fairseq's too; by the paper's, and transformers', it stops one step before that.
        offset: the first position.
    """
    half = width // 2
    steps = max(half - 1, 1) if kind == "marian" else half
    rates = torch.exp(torch.arange(half, dtype=torch.float64) * (-math.log(10_000.0) / steps))
    angles = torch.arange(offset, offset + length, dtype=torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1).float()


def initialise(module: nn.Module) -> None:
    """Xavier-uniform linear maps; embeddings with deviation D^-0.5, so that scaled inputs and logits start near 1."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
