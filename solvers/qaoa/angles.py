"""Where angles come from: the closed form for one layer, then gradient descent on the statevector.

Training is noiseless: no shots are spent on it, and a device's noise does not enter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ansatz import Angles, Cost
from .closed_form import SingleLayer
from .objective import Mean, Objective
from .simulate.statevector import Statevector

DEFAULT_EVALUATIONS = 400
"""Evaluations of a search whose budget does not say."""

_GRID = 64
"""Phase angles of the first scan, and mixer angles beside each."""

_PERTURBATION = 0.3
"""Standard deviation of the factor by which a restart changes every angle."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """Angles, and where they come from.

    Parameters
    ----------
    angles : Angles
    source : str
        In words.
    evaluations : int
        Evaluations of the objective that it took.
    """

    angles: Angles
    source: str
    evaluations: int = 0


class AllowanceSpentError(Exception):
    """Ends a search from within an evaluation; never leaves this module."""


class Allowance:
    """How much a search may still do.

    Parameters
    ----------
    evaluations : int, optional
        Evaluations in all; `DEFAULT_EVALUATIONS` if left out.
    stop : callable, optional
        Asked before every evaluation whether to end.
    """

    def __init__(
        self, evaluations: int | None = None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.limit = DEFAULT_EVALUATIONS if evaluations is None else evaluations
        self.used = 0
        self._stop = stop

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.limit or self._stop()

    def spend(self) -> None:
        """Count one evaluation.

        Raises
        ------
        AllowanceSpentError
            Where nothing is left: this ends scipy's loop from within.
        """
        if self.over:
            raise AllowanceSpentError
        self.used += 1


def train(
    simulator: Statevector,
    cost: Cost,
    layers: int,
    objective: Objective,
    allowance: Allowance,
    *,
    restarts: int = 0,
    seed: int = 0,
) -> Trained:
    """Search good angles, deterministically for a seed.

    For one layer and the mean this is `train_single_layer`. Otherwise L-BFGS with adjoint gradients
    descends from a linear ramp of those angles (arXiv 2405.09169) and from `restarts` random
    perturbations of the ramp. Those same angles in the first layer with nothing after it are tried
    too, so that more layers never end above one.
    """
    first = train_single_layer(cost, allowance)
    if layers == 1 and isinstance(objective, Mean):
        return Trained(first, "one layer, closed form of the mean", allowance.used)
    best: tuple[float, Angles] | None = None

    def evaluate(flat: Vector) -> tuple[float, Vector]:
        nonlocal best
        allowance.spend()
        angles = Angles.split(flat)
        value, gradient = simulator.value_and_gradient(angles, objective)
        if best is None or value < best[0]:
            best = value, angles
        return value, gradient

    finished = 0
    try:
        evaluate(_padded(first, layers))
        for start in _starts(first, layers, restarts, np.random.default_rng(seed)):
            _descend(evaluate, start, gradient=True)
            finished += 1
    except AllowanceSpentError:
        pass
    source = f"L-BFGS on the noiseless {objective.name}, {finished} of {restarts + 1} descents done"
    return Trained(ramp(first, layers) if best is None else best[1], source, allowance.used)


def train_single_layer(cost: Cost, allowance: Allowance) -> Angles:
    """The angles of one layer with the least mean: a scan of the closed form, then a descent.

    Where the allowance forbids even the scan, angles of the usual size.
    """
    layer = SingleLayer(cost)
    betas = (np.arange(_GRID) + 0.5) * np.pi / _GRID - np.pi / 2.0
    best = np.inf
    angles = np.array([0.5 / cost.spread, -np.pi / 8.0])

    def evaluate(flat: Vector) -> float:
        nonlocal best, angles
        allowance.spend()
        value = layer.value(flat[0], flat[1])
        if value < best:
            best, angles = value, flat.copy()
        return value

    try:
        for gamma in np.linspace(0.0, 2.0 / cost.spread, _GRID + 1)[1:]:
            allowance.spend()
            values = layer.values(gamma, betas)
            lowest = int(np.argmin(values))
            if values[lowest] < best:
                best, angles = float(values[lowest]), np.array([gamma, betas[lowest]])
        _descend(evaluate, angles, gradient=False)
    except AllowanceSpentError:
        pass
    return Angles.split(angles)


def ramp(first: Angles, layers: int) -> Angles:
    """Gammas rising and betas falling linearly, with a single layer's angles as their means."""
    if layers == 1:
        return first
    rise = (2.0 * np.arange(layers) + 1.0) / layers
    return Angles(
        tuple(float(angle) for angle in first.gammas[0] * rise),
        tuple(float(angle) for angle in first.betas[0] * rise[::-1]),
    )


def _padded(first: Angles, layers: int) -> Vector:
    """A single layer's angles, followed by layers that do nothing."""
    nothing = (0.0,) * (layers - 1)
    return np.array(first.gammas + nothing + first.betas + nothing)


def _starts(
    first: Angles, layers: int, restarts: int, generator: np.random.Generator
) -> Iterator[Vector]:
    start = np.array(ramp(first, layers).flat)
    yield start
    for _ in range(restarts):
        yield start * (1.0 + _PERTURBATION * generator.standard_normal(len(start)))


def _descend(
    function: Callable[[Vector], float | tuple[float, Vector]], start: Vector, *, gradient: bool
) -> None:
    """Run L-BFGS from a point; the function itself keeps the best it has seen.

    A function that gives no gradient is differentiated by finite differences.
    """
    from scipy.optimize import minimize

    minimize(function, start, jac=gradient, method="L-BFGS-B")
