"""Searching angles by shots alone, as one would on a device: SPSA and COBYLA.

Shots are drawn from the noiseless state, so what tells these from the searches with gradients is
the noise of sampling, and the shots that they spend.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from .angles import Allowance, AllowanceSpentError, Trained, Training, Vector, scaling
from .ansatz import Angles
from .objective import Objective
from .simulate import StateSimulator
from .simulate.sampling import sample

_WIDTH = 0.1
"""Perturbation of SPSA's first difference, in usual sizes of an angle."""

_GAIN = 0.1
"""SPSA's first step for a slope of one, in those units and those of the objective."""

_LONGEST = 0.05
"""Longest step of SPSA in an angle: near the ramp a larger one leaves the valley for good."""

_TRUST = 0.4
"""First trust radius of COBYLA, in usual sizes of an angle."""


def search_by_shots(
    simulator: StateSimulator,
    start: Angles,
    objective: Objective,
    allowance: Allowance,
    *,
    training: Training,
    shots: int,
    seed: int,
) -> Trained[Angles]:
    """Improve some angles by estimates of the objective from so many shots each.

    Estimates err, so nothing ensures that the end is below the start; that is what shots give.
    """
    generator = np.random.default_rng(seed)
    unit, scale = scaling(simulator, start.layers), simulator.units.value
    method = spsa if training == "spsa" else cobyla

    def estimate(x: Vector) -> float:
        """In units in which the objective, as the angles, is of the order of one."""
        allowance.spend()
        probabilities = simulator.probabilities(Angles.split(x * unit))
        drawn = sample(probabilities, shots, generator)
        frequencies = np.bincount(drawn, minlength=len(probabilities)) / shots
        return objective.evaluate(frequencies, simulator.diagonal)[0] / scale

    end = method(estimate, np.array(start.flat) / unit, allowance.limit, generator)
    used = allowance.used
    what = f"{used} estimates of the {objective.name} by {shots} noiseless shots"
    source = f"{training}: from the ramp, {what}"
    return Trained(Angles.split(end * unit), source, used, used * shots)


def spsa(
    estimate: Callable[[Vector], float], start: Vector, evaluations: int,
    generator: np.random.Generator,
) -> Vector:
    """Simultaneous perturbation (Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 817, 1998).

    His gain sequences, in units where one gain suits every instance. Returns the last point.
    """
    point = start.copy()
    iterations = max(1, evaluations // 2)
    stability = 0.1 * iterations
    with suppress(AllowanceSpentError):
        for k in range(iterations):
            signs = generator.choice([-1.0, 1.0], size=len(point))
            width = _WIDTH / (k + 1.0) ** 0.101
            difference = estimate(point + width * signs) - estimate(point - width * signs)
            gain = _GAIN * ((1.0 + stability) / (k + 1.0 + stability)) ** 0.602
            step = gain * difference / (2.0 * width)
            point = point - float(np.clip(step, -_LONGEST, _LONGEST)) * signs
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
