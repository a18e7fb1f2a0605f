"""The processes of a run: a single one, or those that torchrun started on one machine or several.

torchrun tells each process its place by environment variables; everything else is torch.distributed. A process group
speaks gloo on CPUs and NCCL on GPUs.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

# Others wait while the first process prepares the text or validates; a dead one is noticed at once all the same.
PATIENCE = timedelta(hours=12)


class LostProcessError(Exception):
    """Another process of the run is gone."""


@dataclass(frozen=True)
class World:
    """This process' place among all of the run.

    Attributes:
        rank: number of this process, from 0; the first one writes, reports and validates.
        size: number of processes.
        local_size: number of those on this machine.
        device: where this process computes.
    """

    rank: int
    size: int
    local_size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes, reports and validates."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes."""
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return tensor.tolist()

    def tell(self, value: float) -> float:
        """The value that the first process passes, in every process; the others wait for it."""
        return self.sum([value if self.first else 0.0])[0]

    def wrap(self, module: nn.Module) -> nn.Module:
        """`module` with gradients averaged over all processes."""
        if self.size == 1:
            return module
        device_ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids, broadcast_buffers=False)

    def close(self) -> None:
        """Leave the process group."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def join_world(device: str) -> World:
    """Meet the other processes that torchrun started, if it did; `device` is cpu or cuda."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    place = torch.device("cuda", local_rank) if device == "cuda" else torch.device(device)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if size > 1:
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=PATIENCE)
    return World(int(os.environ.get("RANK", "0")), size, int(os.environ.get("LOCAL_WORLD_SIZE", "1")), place)


def lost_process(error: RuntimeError) -> bool:
    """Whether `error` is how torch.distributed says that another process is gone."""
    words = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe")
    return any(word in f"{type(error).__name__} {error}".lower() for word in words)
