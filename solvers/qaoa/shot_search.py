"""Searching angles by shots alone, as one would on a device: SPSA and COBYLA.

Shots are drawn from the noiseless state, so what tells these from the searches with gradients is
the noise of sampling, and the shots that they spend.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from .angles import Allowance, AllowanceSpentError, Trained, Training, Vector, scaling
from .ansatz import Angles, Cost
from .objective import Objective
from .simulate.statevector import Statevector, sample

_SPREAD = 0.1
"""Perturbation of SPSA's first difference, in usual sizes of an angle."""

_STEP = 0.1
"""Length that SPSA's first step is meant to have in each angle."""

_CALIBRATIONS = 5
"""Differences that SPSA's step length is judged by."""

_TRUST = 0.2
"""First trust radius of COBYLA, in usual sizes of an angle."""


def search_by_shots(
    simulator: Statevector,
    cost: Cost,
    start: Angles,
    objective: Objective,
    allowance: Allowance,
    *,
    training: Training,
    shots: int,
    seed: int,
) -> Trained:
    """Improve some angles by estimates of the objective from so many shots each.

    Estimates err, so nothing ensures that the end is below the start; that is what shots give.
    """
    generator = np.random.default_rng(seed)
    unit, qubits = scaling(cost, start.layers), cost.qubits
    method = spsa if training == "spsa" else cobyla

    def estimate(x: Vector) -> float:
        allowance.spend()
        drawn = sample(simulator.probabilities(Angles.split(x * unit)), shots, generator)
        frequencies = np.bincount(drawn, minlength=2**qubits) / shots
        return objective.evaluate(frequencies, simulator.diagonal)[0]

    end = method(estimate, np.array(start.flat) / unit, allowance.limit, generator)
    used = allowance.used
    source = f"{training}: from the ramp, {used} estimates of the {objective.name} by {shots} shots"
    return Trained(Angles.split(end * unit), source, used, used * shots)


def spsa(
    estimate: Callable[[Vector], float], start: Vector, evaluations: int,
    generator: np.random.Generator,
) -> Vector:
    """Simultaneous perturbation (Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 817, 1998).

    His gain sequences, with the first step's length judged by a few differences at the start.
    Returns the last point.
    """
    point = start.copy()
    iterations = max(1, (evaluations - 2 * _CALIBRATIONS) // 2)
    stability = 0.1 * iterations

    def slope(width: float) -> tuple[float, Vector]:
        signs = generator.choice([-1.0, 1.0], size=len(point))
        difference = estimate(point + width * signs) - estimate(point - width * signs)
        return difference / (2.0 * width), signs

    try:
        usual = float(np.mean([abs(slope(_SPREAD)[0]) for _ in range(_CALIBRATIONS)]))
        gain = _STEP * (1.0 + stability) ** 0.602 / usual if usual > 0.0 else 0.0
        for k in range(iterations):
            value, signs = slope(_SPREAD / (k + 1.0) ** 0.101)
            point = point - gain / (k + 1.0 + stability) ** 0.602 * value * signs
    except AllowanceSpentError:
        pass
    return point


def cobyla(
    estimate: Callable[[Vector], float], start: Vector, evaluations: int,
    generator: np.random.Generator,
) -> Vector:
    """Linear approximations in a shrinking trust region (Powell, 1994), by scipy.

    Returns the point of the lowest estimate. The generator is not used: the method draws nothing.
    """
    from scipy.optimize import minimize

    best: tuple[float, Vector] = np.inf, start

    def keep(x: Vector) -> float:
        nonlocal best
        value = estimate(x)
        if value < best[0]:
            best = value, x.copy()
        return value

    with suppress(AllowanceSpentError):
        minimize(
            keep, start, method="COBYLA",
            options={"rhobeg": _TRUST, "maxiter": max(evaluations, len(start) + 2)},
        )
    return best[1]
