"""Cores under affinity and the quotas of cgroups, ours and those above it."""

from pathlib import Path

import pytest

from server.engine.cores import count_cores, memory_limit

NUM_CORES = 6
VERSION_2 = "0::/system.slice/ferry.service\n"
VERSION_1 = "5:devices:/\n4:cpuset:/odd\n2:cpu,cpuacct:/docker/a:b\n1:name=systemd:/\n0::/\n"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (None, {}, NUM_CORES),
        ("gibberish\n", {"cpu.max": "200000 100000"}, 2),
        (VERSION_2, {}, NUM_CORES),
        # In the container's own group, which is its root.
        ("0::/\n", {"cpu.max": "max 100000"}, NUM_CORES),
        ("0::/\n", {"cpu.max": "250000 100000"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000"}, 1),
        ("0::/\n", {"cpu.max": "900000 100000"}, NUM_CORES),
        ("0::/\n", {"cpu.max": "gibberish"}, NUM_CORES),
        (None, {"cpu.max": "250000 100000"}, 2),
        # systemd's CPUQuota=, on the service or on a slice above it: the smallest wins.
        (VERSION_2, {"system.slice/ferry.service/cpu.max": "300000 100000"}, 3),
        (VERSION_2, {"system.slice/cpu.max": "200000 100000"}, 2),
        (
            VERSION_2,
            {"system.slice/cpu.max": "200000 100000", "system.slice/ferry.service/cpu.max": "500000 100000"},
            2,
        ),
        (
            VERSION_2,
            {"system.slice/cpu.max": "max 100000", "system.slice/ferry.service/cpu.max": "300000 50000"},
            NUM_CORES,
        ),
        (VERSION_2, {"user.slice/cpu.max": "100000 100000"}, NUM_CORES),
        # Version 1.
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, NUM_CORES),
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "100000"}, NUM_CORES),
        (
            VERSION_1,
            {"cpu/docker/a:b/cpu.cfs_quota_us": "450000", "cpu/docker/a:b/cpu.cfs_period_us": "100000"},
            4,
        ),
        (VERSION_1, {"cpu/odd/cpu.cfs_quota_us": "100000", "cpu/odd/cpu.cfs_period_us": "100000"}, NUM_CORES),
    ],
)
def test_quotas_cap_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(NUM_CORES)), raising=False)
    if own is not None:
        (tmp_path / "own").write_text(own)
    for name, content in files.items():
        file = tmp_path / "mounted" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    assert count_cores(tmp_path / "own", tmp_path / "mounted") == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (VERSION_2, {}, None),
        (VERSION_2, {"memory.max": "max"}, None),
        ("0::/\n", {"memory.max": "268435456\n"}, 268435456),
        (
            VERSION_2,
            {"system.slice/memory.max": "400000000", "system.slice/ferry.service/memory.max": "300000000"},
            300_000_000,
        ),
        (VERSION_2, {"system.slice/memory.max": "max", "system.slice/ferry.service/memory.max": "gibberish"}, None),
        ("3:memory:/docker/a\n", {"memory/docker/a/memory.limit_in_bytes": "200000000"}, 200_000_000),
        ("3:memory:/docker/a\n", {"memory/docker/a/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_the_least_limit_of_memory(tmp_path: Path, own: str, files: dict[str, str], expected: int | None) -> None:
    (tmp_path / "own").write_text(own)
    for name, content in files.items():
        file = tmp_path / "mounted" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert memory_limit(tmp_path / "own", tmp_path / "mounted") == expected
