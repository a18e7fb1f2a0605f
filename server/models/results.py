"""Results of the engine by what was asked, bounded in bytes; the one least recently asked for goes first.

Must not know engines or futures.
"""

import threading
from dataclasses import dataclass, replace

from cachetools import LRUCache

from server.engine.types import SearchOptions, SentenceResult

# Model, source ids, options: all that an answer depends on. The ids begin with the language prefix.
Key = tuple[str, tuple[int, ...], SearchOptions]

# Measured with tracemalloc in CPython 3.11, keys and values not shared with anybody; the test holds them to it.
_ENTRY_BYTES = 750  # key, options, result and their places in three dictionaries
_HYPOTHESIS_BYTES = 210
_ARRAY_BYTES = 200  # an alignment, besides its numbers
_ID_BYTES = 40  # an int, and the pointer to it


@dataclass(frozen=True)
class CacheStats:
    """A snapshot; the counters count sentences from the start.

    Attributes:
        hits: answered from the store.
        joined: waited for an equal sentence that was being translated already.
        misses: given to the engine.
        evictions: results given up for newer ones.
    """

    hits: int
    joined: int
    misses: int
    evictions: int
    num_entries: int
    num_bytes: int
    max_bytes: int


@dataclass(frozen=True)
class _Entry:
    result: SentenceResult
    num_bytes: int


class SentenceCache:
    """The results of all models of a process. Methods may be called from any thread."""

    def __init__(self, max_bytes: int) -> None:
        """Begin with nothing kept.

        Args:
            max_bytes: of keys and results together, by `size_of`; 0 keeps nothing.
        """
        self.max_bytes = max_bytes
        self._entries: LRUCache[Key, _Entry] = LRUCache(max_bytes, getsizeof=lambda entry: entry.num_bytes)
        self._lock = threading.Lock()
        self._hits = self._joined = self._misses = self._evictions = 0

    def get(self, key: Key) -> SentenceResult | None:
        """What was answered before. Nobody waited or worked for it now, so it says that no time went."""
        with self._lock:
            entry = self._entries.get(key)
            self._hits += entry is not None
        return None if entry is None else entry.result

    def put(self, key: Key, result: SentenceResult) -> None:
        """Keep `result`, unless it alone is over the limit."""
        entry = _Entry(replace(result, queued_s=0.0, running_s=0.0), size_of(key, result))
        if entry.num_bytes > self.max_bytes:
            return
        with self._lock:
            expected = len(self._entries) + (key not in self._entries)
            self._entries[key] = entry
            self._evictions += expected - len(self._entries)

    def count_joined(self) -> None:
        """A sentence that waits for an equal one."""
        with self._lock:
            self._joined += 1

    def count_miss(self) -> None:
        """A sentence that the engine has to translate."""
        with self._lock:
            self._misses += 1

    def stats(self) -> CacheStats:
        """The counters, and what is kept now."""
        with self._lock:
            return CacheStats(
                hits=self._hits,
                joined=self._joined,
                misses=self._misses,
                evictions=self._evictions,
                num_entries=len(self._entries),
                num_bytes=int(self._entries.currsize),
                max_bytes=self.max_bytes,
            )


def size_of(key: Key, result: SentenceResult) -> int:
    """About how many bytes it takes to keep `result`; true within a factor of two."""
    num_ids = len(key[1]) + sum(len(hypothesis.ids) for hypothesis in result.hypotheses)
    alignments = [each.alignment for each in result.hypotheses if each.alignment is not None]
    return (
        _ENTRY_BYTES
        + _HYPOTHESIS_BYTES * len(result.hypotheses)
        + _ID_BYTES * num_ids
        # A view keeps all of the array that it is cut from.
        + sum(_ARRAY_BYTES + (each if each.base is None else each.base).nbytes for each in alignments)
    )
