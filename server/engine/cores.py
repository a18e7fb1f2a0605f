"""How many cores and how much memory this process may use. Knows nothing of the engine."""

import os
from collections.abc import Iterator
from pathlib import Path

OWN_CGROUPS = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
# Where version 1 has the groups of one controller, below the mount of them all.
CPU_CONTROLLER, MEMORY_CONTROLLER = "cpu", "memory"
# What version 1 writes where there is no limit: the largest number of whole pages.
NO_LIMIT_BYTES = 1 << 60


def count_cores(own_cgroups: Path = OWN_CGROUPS, cgroups: Path = CGROUPS) -> int:
    """Cores allowed to us: the scheduler's affinity, capped by the smallest quota, rounded down; at least 1.

    Args:
        own_cgroups: which groups we are in, `<id>:<controllers>:<path>` a line; may be absent.
        cgroups: where the groups are mounted, of version 2, 1 or both; may be absent.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_quota(folder) for folder in _folders(CPU_CONTROLLER, own_cgroups, cgroups)]
    return max(1, min([cores, *(quota for quota in quotas if quota is not None)]))


def memory_limit(own_cgroups: Path = OWN_CGROUPS, cgroups: Path = CGROUPS) -> int | None:
    """Bytes allowed to our group and those above it, the least of them; None without a limit.

    Args:
        own_cgroups: as for `count_cores`.
        cgroups: as for `count_cores`.
    """
    found = [_memory(folder) for folder in _folders(MEMORY_CONTROLLER, own_cgroups, cgroups)]
    return min((limit for limit in found if limit is not None), default=None)


def _folders(controller: str, own_cgroups: Path, cgroups: Path) -> Iterator[Path]:
    """Our groups and all above them: each of them limits us.

    The root too: in a container it may be the container's own group, while our path is the one on the host.
    """
    yield from (cgroups, cgroups / controller)
    for line in _read(own_cgroups).splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        root, group = cgroups / controller if controllers else cgroups, Path(path.lstrip("/"))
        yield from (root / each for each in (group, *group.parents))


def _quota(folder: Path) -> int | None:
    """Whole cores that a group may use; None without a limit, or if the group is not there."""
    version_1 = f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}"
    times_us = _read(folder / "cpu.max") or version_1
    try:
        quota, period = map(int, times_us.split())
    except ValueError:  # version 2 writes "max" for no limit
        return None
    return quota // period if quota >= 0 < period else None  # version 1 writes -1


def _memory(folder: Path) -> int | None:
    """Bytes that a group may use; None without a limit, or if the group is not there."""
    text = (_read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")).strip()
    limit = int(text) if text.isdecimal() else NO_LIMIT_BYTES  # version 2 writes "max"
    return limit if limit < NO_LIMIT_BYTES else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
