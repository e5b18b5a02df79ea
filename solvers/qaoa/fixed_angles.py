"""Angles from a table: optimal for MaxCut on regular graphs of large girth, moved to other costs.

The fixed angles of Wurtz and Lykov (arXiv 2107.00677), computed anew by the iteration of Basso et
al. (arXiv 2110.14206); `benchmarks/fixed_angles.py` writes the table ``fixed_angles.toml``.
"""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from qopt.errors import UsageError

from .angles import interpolate, ramp, train_single_layer
from .ansatz import Angles, Cost

FILE = "fixed_angles.toml"

_DEEPEST_WITH_FIELDS = 2
"""Layers up to which the table serves costs that are mostly fields."""


@dataclass(frozen=True)
class Row:
    """One entry of the table.

    Parameters
    ----------
    degree : float
        Neighbours of every vertex; infinite for the limit, which is the Sherrington-Kirkpatrick
        model.
    angles : Angles
        Gammas in units of ``1 / sqrt(degree)``, for which they hardly depend on the degree.
    gain : float
        ``sqrt(degree) (cut - 1/2)``, with the expected share of the edges that are cut.
    """

    degree: float
    angles: Angles
    gain: float

    @property
    def cut(self) -> float:
        """Expected share of the edges that are cut, where no cycle is shorter than 2p + 2."""
        return 0.5 + self.gain / math.sqrt(self.degree)


@lru_cache
def table() -> dict[int, tuple[Row, ...]]:
    """The rows of every number of layers, from infinite degree down to 2."""
    text = files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    rows: dict[int, list[Row]] = {}
    for entry in tomllib.loads(text)["row"]:
        angles = Angles(tuple(entry["gammas"]), tuple(entry["betas"]))
        rows.setdefault(angles.layers, []).append(
            Row(float(entry["degree"]), angles, float(entry["gain"]))
        )
    return {
        layers: tuple(sorted(rows[layers], key=lambda row: -row.degree)) for layers in sorted(rows)
    }


def fixed_angles(degree: float, layers: int) -> Angles:
    """Angles for unweighted MaxCut, ``C = sum Z Z``, on graphs with so many neighbours a vertex.

    Between the degrees of the table, and from its largest to infinity, angles are interpolated
    linearly in ``1 / degree``, gammas in units of ``1 / sqrt(degree)``; below 2 they are those of a
    ring. Beyond its layers, they continue along the curve of its last ones by INTERP, one layer
    after another (Zhou et al., PRX 10, 021067, 2020), and are no optimum any more.

    Parameters
    ----------
    degree : float
        Above 0 and finite; a mean need not be whole.
    layers : int
        1 or more.

    Raises
    ------
    UsageError
        Where degree or layers are out of range.
    """
    if not (math.isfinite(degree) and degree > 0.0):
        raise UsageError(f"the degree of a graph must be above 0 and finite, got {degree:g}")
    if layers < 1:
        raise UsageError(f"QAOA has 1 layer or more, got {layers}")
    rows = table()[min(layers, max(table()))]
    degree = max(degree, rows[-1].degree)
    angles = _scaled(_between(rows, degree), 1.0 / math.sqrt(degree), 1.0)
    while angles.layers < layers:
        angles = interpolate(angles)
    return angles


def transferred(cost: Cost, layers: int, first: Angles | None = None) -> Angles:
    """Angles for any cost: the table's curve, stretched to the cost's own single layer.

    `fixed_angles` of the mean number of couplings at a qubit, with all gammas and all betas
    multiplied so that for one layer they are the optimum in closed form. For unweighted MaxCut the
    factors are about 1. With weights the gammas' is what Sureshbabu et al. (Quantum 8, 1231, 2024)
    take from the mean square of the weights, which `Cost` divides out; but the closed form also
    knows heavy tails and fields. Where fields make up most of the cost's variance, the curve, made
    for couplings, leads astray from three layers on, and the linear ramp takes its place. All this
    is a heuristic, without a guarantee for more than one layer; `benchmarks/transferred_angles.py`
    shows what it gives up against a search.

    Parameters
    ----------
    cost : Cost
    layers : int
        1 or more.
    first : Angles, optional
        The cost's single layer, where it is known already.

    Raises
    ------
    UsageError
        Where there is no layer.
    """
    degree = max(2.0 * len(cost.ising.J) / cost.qubits, 1.0)
    curve, own = fixed_angles(degree, layers), fixed_angles(degree, 1)
    single = train_single_layer(cost) if first is None else first
    if layers > _DEEPEST_WITH_FIELDS and cost.ising.h @ cost.ising.h > cost.ising.J @ cost.ising.J:
        return ramp(single, layers)
    by_gamma, by_beta = single.gammas[0] / own.gammas[0], single.betas[0] / own.betas[0]
    return _scaled(curve, by_gamma, by_beta)


def _between(rows: Sequence[Row], degree: float) -> Angles:
    """The rows' angles interpolated in 1 / degree, gammas in the table's units."""
    inverse = [1.0 / row.degree for row in rows]
    columns = zip(*(row.angles.flat for row in rows), strict=True)
    return Angles.split(np.array([np.interp(1.0 / degree, inverse, each) for each in columns]))


def _scaled(angles: Angles, gammas: float, betas: float) -> Angles:
    """The same with all gammas times a factor, and all betas times another."""
    return Angles(
        tuple(gammas * gamma for gamma in angles.gammas),
        tuple(betas * beta for beta in angles.betas),
    )
