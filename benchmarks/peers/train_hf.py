"""Hugging Face Transformers trains one job on the CPU: MarianMTModel, in the library's own `Trainer`.

    .venv-bench/bin/python benchmarks/peers/train_hf.py JOB.json

Chosen in its favour, because its usual settings would be slower here:

- The dataset's items are whole batches, cut by length under the budget of padded ids as Ferry cuts them. By itself
  `Trainer` makes batches of a fixed number of sentences (`group_by_length`), which pads more.
- Ids are in memory before the clock starts; padding to the longest of the batch is all that is left to the collator.
- The loss is PyTorch's own cross entropy with label smoothing, on the real target positions alone. `Trainer`'s
  `LabelSmoother` takes several passes over all logits.
- `attn_implementation="sdpa"`, the fused AdamW, no cache of keys and values, no checkpoints, no logging.
- `bf16` (autocast) only where the job says so.
- ReLU, tied embeddings, sinusoidal positions; normalisation after the layer and biases, as this architecture has them.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import transformers
from job import EOS, PAD, Job, Measured, cut, print_measured, read_job
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import MarianConfig, MarianMTModel, Trainer, TrainerCallback, TrainingArguments

IGNORED = -100  # a label that the loss leaves out

Pairs = list[tuple[list[int], list[int]]]


class Clock(TrainerCallback):
    """Counts updates, and starts when the warm-up is over.

    Attributes:
        counts: real and padded ids of the batches collated since then.
    """

    def __init__(self, warmup_updates: int) -> None:
        self.warmup_updates = warmup_updates
        self.counts: Counter[str] = Counter()
        self.tokens, self.start, self.seconds = 0, 0.0, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by `Trainer` after every update."""
        now = time.perf_counter()
        if state.global_step == self.warmup_updates:
            self.counts.clear()
            self.tokens, self.start = 0, now
        self.seconds = now - self.start


def pad(sequences: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Sequences padded on the right to [B, longest], and which positions are real."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    real = torch.arange(int(lengths.max())) < lengths[:, None]
    ids = torch.full(real.shape, PAD)
    ids[real] = torch.tensor([id_ for sequence in sequences for id_ in sequence])
    return ids, real


def collate(items: list[Pairs], counts: Counter[str]) -> dict[str, Tensor]:
    """The tensors of the one batch in `items`."""
    (pairs,) = items
    source_ids, source_mask = pad([source for source, _ in pairs])
    target_ids, target_mask = pad([target for _, target in pairs])
    for name, mask in (("source", source_mask), ("target", target_mask)):
        counts[name] += int(mask.sum())
        counts[name + "_padded"] += mask.numel()
    start = torch.full_like(target_ids[:, :1], PAD)  # Marian's decoders start from the pad id
    return {
        "input_ids": source_ids,
        "attention_mask": source_mask.long(),
        "decoder_input_ids": torch.cat([start, target_ids[:, :-1]], dim=1),
        "labels": target_ids.masked_fill(~target_mask, IGNORED),
    }


def build_model(job: Job) -> MarianMTModel:
    """The job's shape, with fresh weights."""
    config = MarianConfig(
        vocab_size=job.vocab_size,
        d_model=job.d_model,
        encoder_layers=job.num_encoder_layers,
        decoder_layers=job.num_decoder_layers,
        encoder_attention_heads=job.num_heads,
        decoder_attention_heads=job.num_heads,
        encoder_ffn_dim=job.d_ff,
        decoder_ffn_dim=job.d_ff,
        max_position_embeddings=job.max_length,
        activation_function="relu",
        dropout=job.dropout,
        scale_embedding=True,
        use_cache=False,
        pad_token_id=PAD,
        eos_token_id=EOS,
        forced_eos_token_id=EOS,
        decoder_start_token_id=PAD,
        attn_implementation="sdpa",
    )
    return MarianMTModel(config)


def measure(job: Job) -> Measured:
    """Train as the job says."""
    torch.set_num_threads(job.num_threads)
    pairs = job.read_pairs()
    batches = [[pairs[index] for index in batch] for batch in cut(pairs, job.max_batch_tokens)]
    clock = Clock(job.warmup_updates)
    model = build_model(job)

    def loss(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        real = labels != IGNORED
        clock.tokens += int(real.sum())
        return cross_entropy(outputs.logits[real], labels[real], label_smoothing=job.label_smoothing)

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            use_cpu=True,
            bf16=job.precision == "bf16",
            max_steps=job.warmup_updates + job.updates,
            per_device_train_batch_size=1,
            learning_rate=job.learning_rate,
            warmup_steps=400,
            adam_beta2=0.98,
            weight_decay=0.01,
            max_grad_norm=1.0,
            optim="adamw_torch_fused",
            remove_unused_columns=False,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=job.seed,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=batches,
            data_collator=lambda items: collate(items, clock.counts),
            compute_loss_func=loss,
            callbacks=[clock],
        )
        trainer.train()
    return Measured(
        system="Transformers Trainer",
        versions={"transformers": transformers.__version__, "torch": torch.__version__},
        precision=job.precision,
        num_parameters=sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        updates=job.updates,
        target_tokens=clock.tokens,
        seconds=clock.seconds,
        source_padding=1 - clock.counts["source"] / clock.counts["source_padded"],
        target_padding=1 - clock.counts["target"] / clock.counts["target_padded"],
    )


if __name__ == "__main__":
    print_measured(measure(read_job(Path(sys.argv[1]))))
