"""From hot to cold: the range of temperatures, and the pace at which a read walks through it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from qopt.solver import Clock

Shape = Literal["geometric", "linear"]

HOT_ACCEPTANCE = 0.25
"""Share of the uphill moves from a random state that the hottest sweep accepts."""

COLD_ACCEPTANCE = 0.001
"""Uphill moves from a local minimum that the coldest sweep accepts, as a share of all moves."""

DESCENT = 4
"""Sweeps at temperature 0 that end a read: they take it to a local minimum."""

_CLOSING = 2
"""Time that it takes to score a read at its end, in sweeps."""

_SLICE = 0.02
"""Seconds of sweeps between two looks at the clock."""


@dataclass(frozen=True)
class Cooling:
    """A range of temperatures and the way from hot to cold.

    Parameters
    ----------
    hot, cold : float
        First and last temperature.
    shape : {"geometric", "linear"}
        Whether the inverse temperature grows by a constant factor or by a constant step.
    """

    hot: float
    cold: float
    shape: Shape = "geometric"

    def at(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Temperatures at fractions of the way, 0 hot and 1 cold."""
        if self.shape == "geometric":
            return np.asarray(self.hot * (self.cold / self.hot) ** fractions)
        return np.asarray(1.0 / ((1.0 - fractions) / self.hot + fractions / self.cold))


def cooling_range(
    random: NDArray[np.float64], minimum: NDArray[np.float64] | None
) -> tuple[float, float]:
    """The hottest and the coldest temperature worth a sweep, from the model's own moves.

    Kirkpatrick's rule (Science 220, 1983) looks at the acceptance of random states. At the cold
    end what counts is how rarely a local minimum is left.

    Parameters
    ----------
    random, minimum : ndarray of float64
        Energy changes of moves from random states, and from local minima; None where there was no
        time to find any.
    """
    uphill = random[random > 0.0]
    if not len(uphill):
        return 1.0, 1.0
    hot = _solve(uphill, HOT_ACCEPTANCE * len(uphill))
    if minimum is None:
        return hot, hot / 30.0
    barrier = minimum[minimum > 0.0]
    cold = _solve(barrier, COLD_ACCEPTANCE * len(minimum)) if len(barrier) else hot
    return hot, min(cold, hot)


def _solve(changes: NDArray[np.float64], accepted: float) -> float:
    """The temperature at which that many of these uphill moves are accepted, by bisection."""
    # At the low end at most one per mille is accepted, at the high end nearly all.
    low, high = float(changes.min()) / 50.0, float(changes.max()) * 100.0
    for _ in range(60):
        middle = float(np.sqrt(low) * np.sqrt(high))
        if np.exp(-changes / middle).sum() < accepted:
            low = middle
        else:
            high = middle
    return high


class Pace(Protocol):
    """How fast a read walks: gives the temperatures of the sweeps, slice by slice."""

    def slices(self, cooling: Cooling) -> Iterator[NDArray[np.float64]]:
        """Temperatures of the next sweeps, for as long as the read goes on."""
        ...


@dataclass(frozen=True)
class Sweeps:
    """A fixed number of sweeps, the last few of them a descent.

    Parameters
    ----------
    total : int
    slice : int
        Sweeps between two checkpoints.
    """

    total: int
    slice: int

    def slices(self, cooling: Cooling) -> Iterator[NDArray[np.float64]]:
        """Temperatures of the next sweeps, for as long as the read goes on."""
        descent = min(DESCENT, (self.total + 1) // 2)
        steps = self.total - descent
        for begin in range(0, steps, self.slice):
            k = np.arange(begin, min(begin + self.slice, steps))
            yield cooling.at(k / max(1, steps - 1))
        yield np.zeros(descent)


@dataclass(frozen=True)
class Until:
    """As many sweeps as fit before a moment: the temperature follows the clock.

    Parameters
    ----------
    clock : Clock
    end : float
        Seconds on the clock.
    sweep_seconds : float
        First guess of the time of one sweep.
    """

    clock: Clock
    end: float
    sweep_seconds: float

    def slices(self, cooling: Cooling) -> Iterator[NDArray[np.float64]]:
        """Temperatures of the next sweeps, for as long as the read goes on."""
        begin, seconds = self.clock.elapsed, self.sweep_seconds
        end = max(begin, self.end - (DESCENT + _CLOSING) * seconds)
        done = 0.0
        while (now := self.clock.elapsed) < end:
            count = int(np.clip(min(_SLICE, end - now) / seconds, 1, 1 << 20))
            # From where the read stands to where the clock will stand after these sweeps.
            goal = max(done, min(1.0, (now + count * seconds - begin) / (end - begin)))
            yield cooling.at(np.linspace(done, goal, count, endpoint=False))
            done = goal
            seconds = max(1e-9, (self.clock.elapsed - now) / count)
        yield np.zeros(DESCENT)
