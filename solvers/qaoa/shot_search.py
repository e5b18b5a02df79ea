"""Searching angles by shots alone, as one would on a device: SPSA and COBYLA.

What tells these from the searches with gradients is the noise of sampling, and the shots that they
spend; a device's own noise comes on top where the shots are drawn from it.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from .angles import Allowance, AllowanceSpentError, Trained, Training, Vector
from .ansatz import Angles
from .objective import Objective
from .simulate import StateSimulator, Units
from .simulate.sampling import sample

_WIDTH = 0.1
"""Perturbation of SPSA's first difference, in usual sizes of an angle."""

_GAIN = 0.1
"""SPSA's first step for a slope of one, in those units and those of the objective."""

_LONGEST = 0.05
"""Longest step of SPSA in an angle: near the ramp a larger one leaves the valley for good."""

_TRUST = 0.4
"""First trust radius of COBYLA, in usual sizes of an angle."""


Draw = Callable[[Angles, np.random.Generator], Vector]
"""Draws shots at some angles: the normalised cost of each."""


def noiseless(simulator: StateSimulator, shots: int) -> Draw:
    """So many shots of the exact state."""

    def draw(angles: Angles, generator: np.random.Generator) -> Vector:
        return simulator.diagonal[sample(simulator.probabilities(angles), shots, generator)]

    return draw


def search_by_shots(
    draw: Draw,
    units: Units,
    start: Angles,
    objective: Objective,
    allowance: Allowance,
    *,
    training: Training,
    seed: int,
) -> Trained[Angles]:
    """Improve some angles by estimates of the objective from shots.

    Estimates err, so nothing ensures that the end is below the start; that is what shots give. No
    shots from `draw` end the search.
    """
    generator = np.random.default_rng(seed)
    unit = np.repeat([units.phase, units.mixer], start.layers)
    method = spsa if training == "spsa" else cobyla
    spent = 0

    def estimate(x: Vector) -> float:
        """In units in which the objective, as the angles, is of the order of one."""
        nonlocal spent
        allowance.spend()
        values = draw(Angles.split(x * unit), generator)
        if not len(values):
            raise AllowanceSpentError
        spent += len(values)
        shares = np.full(len(values), 1.0 / len(values))
        return objective.evaluate(shares, values)[0] / units.value

    end = method(estimate, np.array(start.flat) / unit, allowance.limit, generator)
    used = allowance.used
    source = f"{training}: from the ramp, {used} estimates of the {objective.name}"
    return Trained(Angles.split(end * unit), source, used, spent, used)


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
