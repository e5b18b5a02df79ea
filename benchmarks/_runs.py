"""What a run of a contender is, and how libraries without a time limit are given their time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from math import floor, log2
from typing import Any, Literal

import numpy as np

from qopt.forms import Qubo

Plan = Literal["default", "filled", "ladder"]
"""How a library without a time limit, or without news on the way, is given its time.

default: reads of the library's own length, one after the other. filled: one read as long as the
time, its length calibrated before. ladder: reads that double in length, so that a target that is
met early is seen early.
"""

SINGLE = 1e-4
DOUBLE = 1e-6
"""To which a library's own energies hold, in single and in double precision."""


@dataclass
class Run:
    """What a run of a contender came to.

    Parameters
    ----------
    samples : ndarray of int8, shape (samples, n)
        Everything that was returned.
    claimed : ndarray of float64, shape (samples,), optional
        The library's own energies, of the penalised model.
    times : ndarray of float64, shape (samples,), optional
        Seconds charged until each was there.
    trace : list of (float, float), optional
        Seconds and energies of incumbents, instead of `times`, where the solver reports them.
    wall, cpu : float
        Seconds that the whole call took.
    tolerance : float
        To which the claims hold, relative.
    """

    samples: np.ndarray
    claimed: np.ndarray | None = None
    times: np.ndarray | None = None
    trace: list[tuple[float, float]] | None = None
    wall: float = 0.0
    cpu: float = 0.0
    tolerance: float = DOUBLE


Runner = Callable[[int], Run]
"""Runs a prepared contender once, with a seed."""


@dataclass(frozen=True)
class Contender:
    """One solver in one use.

    Parameters
    ----------
    name : str
    prepare : callable
        ``prepare(qubo, seconds, threads)`` gives a `Runner`, or why there is none in words.
    module, package : str
        What it needs beside this project's own requirements.
    uses : tuple of str
        The sections that it is measured in.
    """

    name: str
    prepare: Callable[[Qubo, float, int], Runner | str] = field(repr=False)
    module: str = ""
    package: str = ""
    uses: tuple[str, ...] = ("quality", "target")

    @property
    def missing(self) -> str:
        """Why it cannot be run here; empty where it can."""
        if not self.module or find_spec(self.module) is not None:
            return ""
        return f"not installed: pip install {self.package}"


class Stopwatch:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Both."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


@dataclass
class Reads:
    """The reads of one run as they come in, with the seconds charged for them."""

    samples: list[np.ndarray] = field(default_factory=list)
    claimed: list[np.ndarray] = field(default_factory=list)
    times: list[np.ndarray] = field(default_factory=list)
    charged: float = 0.0
    watch: Stopwatch = field(default_factory=Stopwatch)

    def add(self, samples: Any, claimed: Any, seconds: float) -> None:
        """Add what a call returned, all of it at its end."""
        self.charged += max(0.0, seconds)
        self.samples.append(np.asarray(samples, dtype=np.int8))
        self.claimed.append(np.asarray(claimed, dtype=np.float64).reshape(-1))
        self.times.append(np.full(len(self.samples[-1]), self.charged))

    def run(self, tolerance: float = DOUBLE) -> Run:
        """All of it."""
        wall, cpu = self.watch.read()
        return Run(
            np.concatenate(self.samples), np.concatenate(self.claimed), np.concatenate(self.times),
            wall=wall, cpu=cpu, tolerance=tolerance,
        )


def calibrate(call: Callable[[int], object], least: float) -> tuple[float, float]:
    """Seconds of a call beside its work, and those of a unit of it.

    Parameters
    ----------
    call : callable
        Does so many units of work.
    least : float
        Seconds that the difference of two calls takes at least.
    """
    count = 1
    while True:
        first, second = (seconds_of(partial(call, k)) for k in (count, 3 * count))
        if second - first >= least:
            unit = (second - first) / (2 * count)
            return max(0.0, first - count * unit), unit
        count *= 4


def seconds_of(work: Callable[[], object]) -> float:
    """Wall seconds that it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def enough(seconds: float) -> float:
    """Seconds of work from which those of a run of so many seconds are foreseen.

    A longer anneal accepts fewer moves in a sweep, and a sweep takes less time: the work is not
    much shorter than the run's.
    """
    return min(2.0, max(0.02, 0.25 * seconds))


def lengths(plan: Plan, total: float, shortest: float) -> list[float]:
    """Lengths of the reads of a plan, together `total`."""
    if plan == "filled":
        return [total]
    doublings = max(0, floor(log2(max(1.0, total / shortest))))
    first = total / 2**doublings
    return [first, *(first * 2**k for k in range(doublings))]
