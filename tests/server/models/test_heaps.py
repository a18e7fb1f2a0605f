"""What the C library keeps; in a process of its own, since its settings are for good."""

import subprocess
import sys

import pytest

COUNT_HEAPS = """
import ctypes, sys, tempfile, threading
from server.models.heaps import limit_heaps

if sys.argv[1] == "limited":
    limit_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p
libc.fclose.argtypes = (ctypes.c_void_p,)
together = threading.Barrier(8)

def take():
    together.wait()
    libc.malloc(100_000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
with tempfile.NamedTemporaryFile() as file:
    stream = libc.fopen(file.name.encode(), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(file.read().count(b"<heap nr="))
"""


def count_heaps(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT_HEAPS, how], capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_threads_share_few_heaps() -> None:
    assert count_heaps("unlimited") > 2, "then this test says nothing"
    assert count_heaps("limited") <= 2
