"""Angles without a search on states: one layer in closed form, the ramp, and their extensions.

What searches from here on is in `angle_search`.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .ansatz import Angles, Cost, TermAngles
from .closed_form import SingleLayer
from .simulate import Simulator, StoppedError

Training = Literal["auto", "ramp", "fixed", "interp", "fourier", "multistart", "spsa", "cobyla"]
"""Names of the ways to find angles."""

BY_SHOTS: tuple[Training, ...] = ("spsa", "cobyla")
"""Those that see shots alone; the others see the exact state and its gradient."""

DEFAULT_EVALUATIONS = 400
"""Evaluations of a search whose budget does not say."""

_DEFAULT_EVALUATIONS_A_LAYER = 100
"""The same for a search that adds one layer after another, where that is more."""

_GRID = 64
"""Phase angles of the first scan, and mixer angles beside each."""

_EQUAL = 1e-4
"""Relative difference below which two minima of one layer count as equal."""

Vector = NDArray[np.float64]


Kind = TypeVar("Kind", bound=Angles | TermAngles)


@dataclass(frozen=True)
class Trained(Generic[Kind]):
    """Angles, and where they come from.

    Parameters
    ----------
    angles : Angles or TermAngles
    source : str
        The method, and what it did, in words.
    evaluations : int
        States that were prepared for it. The closed form prepares none.
    shots : int
        Shots that were taken for it.
    circuits : int
        Circuits that these were taken of: one an evaluation by shots.
    complete : bool
        Whether the search came to its own end, rather than to that of its allowance.
    """

    angles: Kind
    source: str
    evaluations: int = 0
    shots: int = 0
    circuits: int = 0
    complete: bool = True


Stop = Callable[..., bool]
"""Asked before a piece of work whether to end; may be given the work, one expectation being 1."""

GRADIENT = 4.0
"""Work of an evaluation with its gradient."""


class AllowanceSpentError(StoppedError):
    """Ends a search from within an evaluation; never leaves the training."""


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
        self, evaluations: int | None = None, stop: Stop = lambda work=1.0: False
    ) -> None:
        self.limit = DEFAULT_EVALUATIONS if evaluations is None else evaluations
        self.used = 0
        self.stop = stop

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.limit or self.stop()

    def spend(self, work: float = 1.0) -> None:
        """Count one evaluation of so much work.

        Raises
        ------
        AllowanceSpentError
            Where nothing is left: this ends scipy's loop from within.
        """
        if self.used >= self.limit or self.stop(work):
            raise AllowanceSpentError
        self.used += 1


def default_evaluations(training: Training, layers: int, restarts: int) -> int:
    """Evaluations of a search whose budget does not say: enough for it to end by itself."""
    if training == "multistart":
        return (restarts + 1) * DEFAULT_EVALUATIONS
    if training in BY_SHOTS:
        return DEFAULT_EVALUATIONS
    return max(DEFAULT_EVALUATIONS, layers * _DEFAULT_EVALUATIONS_A_LAYER)


def train_single_layer(cost: Cost, stop: Callable[[], bool] = lambda: False) -> Angles:
    """The angles of one layer with the least mean: a scan of the closed form, then descents.

    Among minima that are equal, as those of an unweighted regular graph are by its symmetry, the
    one with the smallest phase is taken: only that one can be continued to more layers. Where
    `stop` ends the scan, the best so far; before its first value, angles of the usual size.

    Parameters
    ----------
    cost : Cost
    stop : callable, optional
        Asked before every phase, and every step of a descent, whether to end.
    """
    from scipy.optimize import minimize

    layer = SingleLayer(cost)
    betas = (np.arange(_GRID) + 0.5) * np.pi / _GRID - np.pi / 2.0
    scanned: list[tuple[float, Vector]] = []
    for gamma in np.linspace(0.0, 2.0 / cost.spread, _GRID + 1)[1:]:
        if stop():
            break
        values = layer.values(gamma, betas)
        lowest = int(np.argmin(values))
        scanned.append((float(values[lowest]), np.array([gamma, betas[lowest]])))
    if not scanned:
        return Angles((0.5 / cost.spread,), (-np.pi / 8.0,))
    # Descents run in units in which a step of one is of the usual size, for phases as for mixers.
    unit = np.array([1.0 / cost.spread, 1.0])

    def descended(flat: Vector) -> float:
        if stop():
            raise AllowanceSpentError
        return layer.value(*(flat * unit))

    found = []
    for value, start in _valleys(scanned):
        with suppress(AllowanceSpentError):
            end = minimize(descended, start / unit, method="L-BFGS-B", tol=1e-12)
            value, start = min((value, start), (float(end.fun), end.x * unit), key=_value)
        found.append((value, start))
    least = min(value for value, _ in found)
    return Angles.split(next(flat for value, flat in found if value <= least * (1.0 - _EQUAL)))


def _valleys(scanned: list[tuple[float, Vector]]) -> list[tuple[float, Vector]]:
    """The local minima of a scan whose depth comes near that of the lowest."""
    values = np.array([value for value, _ in scanned])
    around = np.concatenate([[np.inf], values, [np.inf]])
    kept = (values <= around[:-2]) & (values <= around[2:]) & (values <= 0.9 * values.min())
    # A constant cost has no valley: its values are all zero, give or take rounding.
    return [scanned[i] for i in np.flatnonzero(kept)] or scanned[:1]


def _value(found: tuple[float, Vector]) -> float:
    return found[0]


def ramp(first: Angles, layers: int) -> Angles:
    """Gammas rising and betas falling linearly, with a single layer's angles as their means.

    The linear ramp of Montanez-Barrera and Michielsen (LR-QAOA, arXiv 2405.09169); its slopes are
    the instance's own, by the closed form of one layer.
    """
    if layers == 1:
        return first
    rise = (2.0 * np.arange(layers) + 1.0) / layers
    return Angles(
        tuple(float(angle) for angle in first.gammas[0] * rise),
        tuple(float(angle) for angle in first.betas[0] * rise[::-1]),
    )


def interpolate(angles: Angles) -> Angles:
    """One layer more along the same curve: INTERP of Zhou et al., PRX 10, 021067 (2020)."""
    p = angles.layers
    share = np.arange(p + 1) / p

    def stretch(values: tuple[float, ...]) -> tuple[float, ...]:
        padded = np.concatenate([[0.0], values, [0.0]])
        return tuple((share * padded[:-1] + (1.0 - share) * padded[1:]).tolist())

    return Angles(stretch(angles.gammas), stretch(angles.betas))


def fourier_basis(layers: int) -> Vector:
    """What turns p sine and p cosine amplitudes into angles, shape (2p, 2p).

    FOURIER of Zhou et al., PRX 10, 021067 (2020), with as many amplitudes as angles:
    ``gamma_i = sum_k u_k sin((k - 1/2)(i - 1/2) pi / p)``, and ``beta_i`` the same by cosines.
    """
    half = np.arange(layers) + 0.5
    phases = np.outer(half, half) * np.pi / layers
    empty = np.zeros((layers, layers))
    return np.block([[np.sin(phases), empty], [empty, np.cos(phases)]])


def scaling(simulator: Simulator, layers: int) -> Vector:
    """Usual sizes of gammas and betas, shape (2p,)."""
    units = simulator.units
    return np.repeat([units.phase, units.mixer], layers)
