"""An angle for each term and qubit, searched from one for each layer: multi-angle QAOA."""

from contextlib import suppress

import numpy as np

from .angle_search import COARSE
from .angles import GRADIENT, Allowance, AllowanceSpentError, Trained, Vector
from .ansatz import Angles, TermAngles
from .objective import Objective
from .simulate.product import ProductStatevector

DEFAULT_EVALUATIONS = 200
"""Evaluations beside those of the search for one angle a layer."""

_PERTURBATION = 0.05
"""Standard deviation of the first step, in usual sizes of an angle.

Terms that are alike have the same slopes: without it they would keep the same angles for good."""


def refine(
    simulator: ProductStatevector,
    trained: Trained[Angles],
    objective: Objective,
    allowance: Allowance,
    seed: int,
) -> Trained[TermAngles]:
    """Descend by L-BFGS in all angles at once; never ends above the angles that it starts from.

    After Herrman et al., Scientific Reports 12, 6781 (2022), arXiv 2109.11455.

    Parameters
    ----------
    simulator : ProductStatevector
    trained : Trained
        One angle of a kind a layer.
    objective : Objective
    allowance : Allowance
        Of this descent alone.
    seed : int
        Of the perturbation.
    """
    from scipy.optimize import minimize

    terms, qubits, layers = simulator.terms, simulator.qubits, trained.angles.layers
    plain = TermAngles.spread(trained.angles, terms, qubits)
    unit = np.repeat(
        [simulator.units.phase, simulator.units.mixer], [layers * terms, layers * qubits]
    )
    scale = simulator.units.value
    best = np.inf, plain

    def evaluate(x: Vector) -> tuple[float, Vector]:
        nonlocal best
        allowance.spend(GRADIENT)
        angles = TermAngles.split(x * unit, layers, terms, qubits)
        value, gradient = simulator.value_and_gradient(angles, objective)
        if value < best[0]:
            best = value, angles
        return value / scale, gradient * unit / scale

    step = _PERTURBATION * np.random.default_rng(seed).standard_normal(len(unit))
    ended = False
    with suppress(AllowanceSpentError):
        evaluate(plain.flat / unit)
        minimize(
            evaluate, plain.flat / unit + step, jac=True, method="L-BFGS-B",
            options={"ftol": COARSE, "maxcor": 30, "maxfun": 10**9},
        )
        ended = True
    source = f"{trained.source}; then an angle a term and qubit, {allowance.used} evaluations"
    # The descent sees exact states: shots and circuits are those of the search before it.
    evaluations = trained.evaluations + allowance.used
    # An evaluation short of a minimum is no cut where the default allowance was used up.
    complete = trained.complete and (ended or allowance.used >= DEFAULT_EVALUATIONS)
    return Trained(best[1], source, evaluations, trained.shots, trained.circuits, complete)
