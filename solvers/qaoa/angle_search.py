"""Searching angles on the exact state, by L-BFGS with adjoint gradients; and `train` for all ways.

Only `spsa` and `cobyla`, in `shot_search`, see shots.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from qopt.errors import UsageError

from .angles import (
    BY_SHOTS,
    GRADIENT,
    Allowance,
    Trained,
    Training,
    Vector,
    fourier_basis,
    interpolate,
    ramp,
    scaling,
    train_single_layer,
)
from .ansatz import Angles
from .fixed_angles import transferred
from .objective import Mean, Objective
from .simulate import Simulator, StateSimulator, StoppedError

if TYPE_CHECKING:
    from .shot_search import Draw

DEFAULT_RESTARTS = 9
DEFAULT_TRAINING_SHOTS = 1024

_PERTURBATION = 0.3
"""Standard deviation of the factor by which a restart changes every angle."""

_FINE = 2e-9
COARSE = 1e-6
"""Decreases of the objective, over qubits times the cost's spread, below which a descent ends.
The coarse one takes about a fifth fewer evaluations and gives up digits that no shot would show."""


def train(
    simulator: Simulator,
    layers: int,
    objective: Objective,
    allowance: Allowance,
    *,
    training: Training = "auto",
    restarts: int = DEFAULT_RESTARTS,
    shots: int = DEFAULT_TRAINING_SHOTS,
    seed: int = 0,
    draw: "Draw | None" = None,
) -> Trained[Angles]:
    """Find angles, deterministically for a seed; where the allowance ends, the best so far.

    Every way begins with one layer. With the transverse-field mixer its mean is known in closed
    form, and for one layer and the mean that is the answer of all but `multistart`, `spsa` and
    `cobyla`. With other mixers a short descent from the usual angles takes its place.

    Parameters
    ----------
    simulator : Simulator
    layers : int
    objective : Objective
    allowance : Allowance
    training : str
        See the option of that name of `Qaoa`.
    restarts : int
        Random starts of `multistart` beside the ramp.
    shots : int
        Shots an evaluation of `spsa` and `cobyla`.
    seed : int
        Of restarts, shots and perturbations.
    draw : callable, optional
        Where `spsa` and `cobyla` draw shots from; see `shot_search.Draw`. The exact state if left
        out.
    """
    if training in BY_SHOTS:
        return _by_shots(simulator, layers, objective, allowance, training, shots, seed, draw)
    if training == "fixed":
        return _fixed(simulator, layers)
    search = Search(simulator, layers, objective, allowance)
    first, how = _first_layer(search, training)
    start = ramp(first, layers)
    if training == "ramp":
        return Trained(start, f"ramp: linear, by {how} of one layer", allowance.used)
    if layers == 1 and training != "multistart" and search.first_is_least:
        return Trained(first, f"{training}: {how} of one layer", allowance.used)
    if training == "multistart":
        steps, wanted, of = _multistart(search, start, restarts, seed), restarts + 1, "descents"
    else:
        steps, wanted, of = _continuation(search, first, training), layers, "depths"
    done = 0
    with suppress(StoppedError):
        for _ in steps:
            done += 1
    source = f"{training}: L-BFGS on the noiseless {objective.name}, {done} of {wanted} {of} done"
    return Trained(search.best_or(start), source, allowance.used, complete=done == wanted)


def _by_shots(
    simulator: Simulator, layers: int, objective: Objective, allowance: Allowance,
    training: Training, shots: int, seed: int, draw: "Draw | None",
) -> Trained[Angles]:
    """Search without ever seeing the state."""
    from .shot_search import noiseless, search_by_shots

    whence = f"{shots} shots each under the device's noise"
    if draw is None:
        if not isinstance(simulator, StateSimulator):
            raise UsageError(
                f"training={training} draws shots from the whole state, which so many qubits "
                "have not: take another training"
            )
        draw, whence = noiseless(simulator, shots), f"{shots} noiseless shots each"
    known = simulator.known_layer
    first = simulator.usual if known is None else train_single_layer(known, allowance.stop)
    found = search_by_shots(
        draw, simulator.units, ramp(first, layers), objective, allowance,
        training=training, seed=seed,
    )
    return replace(found, source=f"{found.source} by {whence}")


def _fixed(simulator: Simulator, layers: int) -> Trained[Angles]:
    """Angles from the table of regular graphs, by which the cost is not even looked at."""
    if simulator.known_layer is None:
        raise UsageError(
            "training=fixed knows the mixer x from the uniform superposition alone: take mixer=x "
            "without a warm start, or another training"
        )
    angles = transferred(simulator.known_layer, layers)
    return Trained(angles, "fixed: the table of regular graphs, stretched to one layer's optimum")


def _first_layer(search: "Search", training: Training) -> tuple[Angles, str]:
    """Angles of one layer, and how they were found."""
    if search.simulator.known_layer is not None:
        first = train_single_layer(search.simulator.known_layer, search.allowance.stop)
        return first, "the closed form"
    first = search.simulator.usual
    with suppress(StoppedError):
        tolerance = COARSE if training == "auto" else _FINE
        first, _ = search.descend(first, np.eye(2), tolerance)
    return first, "a descent"


class Search:
    """Evaluates one circuit's angles of any depth up to the last, and keeps the best.

    Parameters
    ----------
    simulator : Simulator
    layers : int
        Depth of the answer; angles of fewer layers are padded to it.
    objective : Objective
    allowance : Allowance

    Attributes
    ----------
    first_is_least : bool
        Whether the first layer's angles are already at the objective's minimum.
    """

    def __init__(
        self, simulator: Simulator, layers: int, objective: Objective, allowance: Allowance
    ) -> None:
        self.simulator, self.layers, self.allowance = simulator, layers, allowance
        # The closed form is the minimum of the mean alone.
        self.first_is_least = (
            isinstance(objective, Mean) or simulator.known_layer is None
        )
        self._objective = objective
        self._best: tuple[float, Angles] | None = None

    def best_or(self, start: Angles) -> Angles:
        """The best angles so far; `start` where none were evaluated."""
        return start if self._best is None else self._best[1].padded(self.layers)

    def evaluate(self, angles: Angles) -> float:
        """The objective."""
        self.allowance.spend()
        return self._keep(self.simulator.value(angles, self._objective), angles)

    def descend(self, start: Angles, basis: Vector, tolerance: float) -> tuple[Angles, float]:
        """Run L-BFGS in the coordinates x of ``angles = basis @ x``; its end and the value there.

        Coordinates and objective are scaled to the order of one, so that the first step of L-BFGS,
        which knows no curvature yet, has about the right length.
        """
        from scipy.optimize import minimize

        depth, scale = start.layers, self.simulator.units.value
        if self.simulator.precision == "single":
            tolerance = max(tolerance, COARSE)  # a finer one would chase rounding errors
        matrix = basis * scaling(self.simulator, depth)[:, None]

        def evaluate(x: Vector) -> tuple[float, Vector]:
            self.allowance.spend(GRADIENT)
            angles = Angles.split(matrix @ x)
            value, gradient = self.simulator.value_and_gradient(angles, self._objective)
            return self._keep(value, angles) / scale, matrix.T @ gradient / scale

        end = minimize(
            evaluate, np.linalg.solve(matrix, start.flat), jac=True, method="L-BFGS-B",
            options={"ftol": tolerance, "maxcor": 30},
        )
        return Angles.split(matrix @ end.x), float(end.fun) * scale

    def _keep(self, value: float, angles: Angles) -> float:
        if self._best is None or value < self._best[0]:
            self._best = value, angles
        return value


def _multistart(search: Search, start: Angles, restarts: int, seed: int) -> Iterator[None]:
    """Descend from the ramp and from random perturbations of it; a step is one descent."""
    generator = np.random.default_rng(seed)
    flat, plain = np.array(start.flat), np.eye(2 * start.layers)
    search.evaluate(start)
    for number in range(restarts + 1):
        factors = 1.0 + _PERTURBATION * generator.standard_normal(len(flat)) * (number > 0)
        search.descend(Angles.split(flat * factors), plain, _FINE)
        yield


def _continuation(search: Search, first: Angles, training: Training) -> Iterator[None]:
    """Descend at one depth after another, each from the angles of the last; a step is one depth.

    The depths are the same whatever the last one is, and so is what is done at each: a circuit of
    more layers has tried all that one of fewer has, and never ends above it. The ramps come first,
    so that an allowance that is soon spent has seen the one of full depth.
    """
    # INTERP's own descents run to the end; `auto` spares the last digits.
    tolerance = COARSE if training == "auto" else _FINE
    ramps = {depth: ramp(first, depth) for depth in range(search.layers, 0, -1)}
    values = {depth: search.evaluate(angles) for depth, angles in ramps.items()}
    extend = _extend_fourier if training == "fourier" else interpolate
    angles = first
    for depth in range(1, search.layers + 1):
        basis = fourier_basis(depth) if training == "fourier" else np.eye(2 * depth)
        if depth > 1:
            angles, value = search.descend(extend(angles), basis, tolerance)
            # Rare, and a sign that the last depth's minimum leads nowhere.
            if values[depth] < value:
                angles, _ = search.descend(ramps[depth], basis, tolerance)
        elif not search.first_is_least:
            angles, _ = search.descend(first, basis, tolerance)
        yield


def _extend_fourier(angles: Angles) -> Angles:
    """One layer more with the same amplitudes, that of the added frequency being zero."""
    p = angles.layers
    amplitudes = np.linalg.solve(fourier_basis(p), angles.flat)
    return Angles.split(fourier_basis(p + 1) @ np.insert(amplitudes, [p, 2 * p], 0.0))
