"""nginx before two replicas, anew for every test: its counters of requests start at zero."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nginx.rig import Front, Replica, nginx


@pytest.fixture
def replicas() -> Iterator[list[Replica]]:
    both = [Replica(), Replica()]
    yield both
    for replica in both:
        replica.close()


@pytest.fixture
def front(tmp_path: Path, replicas: list[Replica]) -> Iterator[Front]:
    with nginx(tmp_path, replicas) as front:
        yield front
