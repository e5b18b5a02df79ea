"""Spreading passes over amplitudes over threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


class Threads:
    """So many threads, which are started once and used for every pass.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def spread(self, count: int, work: Callable[..., Any]) -> list[Any]:
        """Run ``work(worker, first, last)`` on equal parts of ``range(count)``, one a thread."""
        if self._pool is None:
            return [work(0, 0, count)]
        ends = [count * i // self.count for i in range(self.count + 1)]
        return list(self._pool.map(work, range(self.count), ends[:-1], ends[1:]))


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Keep the linear algebra of libraries that are loaded by now to so many threads.

    Left alone it takes all cores, and on busy ones its threads wait for each other longer than
    small matrices take.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=count, user_api="blas"):
        yield
