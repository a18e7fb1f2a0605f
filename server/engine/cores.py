"""How many cores this process may use. Knows nothing of the engine."""

import os
from pathlib import Path

CGROUP_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def count_cores(cpu_max: Path = CGROUP_CPU_MAX) -> int:
    """Cores allowed to us: the scheduler's affinity, capped by the container's quota, rounded down; at least 1.

    Args:
        cpu_max: the cgroup v2 file, `<quota> <period>` in microseconds, the quota `max` for none; may be absent.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota(cpu_max) or cores))


def _quota(cpu_max: Path) -> int | None:
    try:
        quota, period = cpu_max.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, int(quota) // int(period))
