"""From hot to cold: the range of temperatures, and the pace at which a read walks through it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.solver import Clock

Shape = Literal["geometric", "linear", "adaptive"]

HOT_ACCEPTANCE = 0.25
"""Share of the uphill moves from a random state that the hottest sweep accepts."""

COLD_ACCEPTANCE = 0.001
"""Uphill moves from a local minimum that the coldest sweep accepts, as a share of all moves."""

DESCENT = 4
"""Sweeps at temperature 0 that end a read: they take it to a local minimum."""

ENDING = DESCENT + 2
"""Time that it takes to end a read, the descent and its score, in sweeps."""

_SLICE = 0.02
"""Seconds of sweeps between two looks at the clock."""

REHEAT = 0.5
"""Share of the way from hot to cold at which a read begins that starts from a given answer."""

STEPS = 24
"""Temperatures at which a pilot measures the model for the adaptive schedule."""

_COLDEST = 1e-300
"""Temperatures stay above this one, so that their inverses are finite."""

_ACCEPTING = 1e-4
"""Least share of accepted moves that the adaptive schedule reckons with."""


@dataclass(frozen=True)
class Cooling:
    """A range of temperatures and the way from hot to cold.

    Parameters
    ----------
    hot, cold : float
        First and last temperature.
    shape : {"geometric", "linear", "adaptive"}
        Whether the inverse temperature grows by a constant factor, by a constant step, or as
        `steps` say.
    steps : tuple of (float, float)
        For the adaptive schedule: shares of the way, from 0 to 1, and the logarithms of the
        temperatures there, falling.
    begin : float
        Share of the way at which reads begin: they leave out what is hotter.
    """

    hot: float
    cold: float
    shape: Shape = "geometric"
    steps: tuple[tuple[float, float], ...] = ()
    begin: float = 0.0

    def at(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Temperatures at fractions of the way of a read, 0 its beginning and 1 cold."""
        way = self.begin + (1.0 - self.begin) * fractions
        if self.shape == "adaptive" and self.steps:
            shares, logarithms = np.array(self.steps).T
            return np.asarray(np.exp(np.interp(way, shares, logarithms)))
        if self.shape == "linear":
            return np.asarray(1.0 / ((1.0 - way) / self.hot + way / self.cold))
        return np.asarray(self.hot * (self.cold / self.hot) ** way)

    def reheated(self) -> "Cooling":
        """The way of a read that starts from a given answer: the colder part of this one."""
        return replace(self, begin=REHEAT)


def thermodynamic_steps(
    temperatures: NDArray[np.float64], energies: NDArray[np.float64], accepted: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """The way from hot to cold at constant thermodynamic speed.

    The inverse temperature b moves so that the energy falls by the same number of its standard
    deviations in every relaxation time: ``db/dt = v / (s(b) t(b))`` with ``s**2 = -dE/db`` (P.
    Salamon, J. Nulton, J. Harland, J. Pedersen, G. Ruppeiner, L. Liao, Computer Physics
    Communications 49, 1988, equation 5). The relaxation time t, which they take from transition
    rates, is taken as the time of a random walk: one over the root of the share of moves accepted.

    Parameters
    ----------
    temperatures : ndarray of float64, shape (k,)
        Falling, at least two.
    energies : ndarray of float64, shape (k,)
        Mean energies there, in the units of the temperatures.
    accepted : ndarray of float64, shape (k,)
        Share of the moves accepted there.

    Returns
    -------
    tuple of (float, float)
        As `Cooling` takes them; empty where the energy does not fall or too few are given.
    """
    if len(temperatures) < 3 or not np.isfinite(energies).all():
        return ()
    beta = 1.0 / temperatures
    slope = -np.diff(np.minimum.accumulate(energies)) / np.diff(beta)
    if slope.max() <= 0.0:
        return ()
    # What a few sweeps measure is noisy: geometric means of neighbours, none of them nothing.
    logarithm = np.log(np.maximum(slope, 1e-9 * slope.max()))
    smooth = np.convolve(np.pad(logarithm, 2, mode="edge"), np.full(5, 0.2), "valid")
    middle = np.maximum((accepted[1:] + accepted[:-1]) / 2.0, _ACCEPTING)
    length = np.exp(smooth / 2.0) * np.diff(beta) / np.sqrt(middle)
    shares = np.concatenate([[0.0], np.cumsum(length)])
    shares /= shares[-1]
    return tuple(zip(shares.tolist(), np.log(temperatures).tolist(), strict=True))


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


def check_betas(beta_min: float | None, beta_max: float | None) -> None:
    """Refuse inverse temperatures that make no range.

    Raises
    ------
    UsageError
    """
    for name, beta in (("beta_min", beta_min), ("beta_max", beta_max)):
        if beta is not None and not (isfinite(beta) and beta > 0.0):
            raise UsageError(f"{name} must be positive and finite, got {beta}")
    if (beta_min or 0.0) > (beta_max or inf):
        raise UsageError(f"beta_min must not be above beta_max, got {beta_min} and {beta_max}")


def given_range(
    hot: float, cold: float, beta_min: float | None, beta_max: float | None, scale: float
) -> tuple[float, float]:
    """The range of temperatures, of which inverse temperatures may fix either end.

    Parameters
    ----------
    hot, cold : float
        The range as it was measured; what is not fixed gives way to what is.
    beta_min, beta_max : float, optional
        In units of one over the model's energy, as users give them.
    scale : float
        Of the model as it is laid out (`layout.Model.scale`).
    """
    if beta_min is not None:
        hot = scale / beta_min
        cold = min(cold, hot)
    if beta_max is not None:
        cold = scale / beta_max
        hot = max(cold, hot)
    return hot, cold


def _solve(changes: NDArray[np.float64], accepted: float) -> float:
    """The temperature at which that many of these uphill moves are accepted, by bisection."""
    # At the low end at most one per mille is accepted, at the high end nearly all.
    low, high = max(float(changes.min()) / 50.0, _COLDEST), float(changes.max()) * 100.0
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
        done, sweeps = 0.0, 1
        while (now := self.clock.elapsed) < (end := self.end - ENDING * seconds):
            count = int(np.clip(min(_SLICE, end - now) / seconds, 1, 1 << 20))
            # From where the read stands to where the clock will stand after these sweeps.
            goal = max(done, min(1.0, (now + count * seconds - begin) / (end - begin)))
            yield cooling.at(np.linspace(done, goal, count, endpoint=False))
            done = goal
            # The mean over all sweeps: one that was held up is not taken for the pace.
            sweeps += count
            mean = (self.sweep_seconds + self.clock.elapsed - begin) / sweeps
            seconds = max(1e-9, mean)
        yield np.zeros(DESCENT)
