"""Cores under affinity and container quota."""

from pathlib import Path

import pytest

from server.engine.cores import count_cores


@pytest.mark.parametrize(
    ("content", "expected"),
    [("max 100000", 6), ("250000 100000", 2), ("50000 100000", 1), ("900000 100000", 6), ("gibberish", 6), (None, 6)],
)
def test_quota_caps_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(6)), raising=False)
    file = tmp_path / "cpu.max"
    if content is not None:
        file.write_text(content + "\n")
    assert count_cores(file) == expected
