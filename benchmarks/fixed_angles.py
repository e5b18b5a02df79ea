"""The table of fixed angles: optimal on large-girth regular graphs; regenerates and checks it.

Every edge of a D-regular graph without cycles of length 2p + 1 or less looks alike to p layers of
QAOA, so that the expected cut is a function of the angles alone, given by the iteration of Basso
et al. (arXiv 2110.14206, sections 3.1 and 4.1). Its sums over pairs of bit strings are convolutions
over the group of bit strings, so that Walsh-Hadamard transforms take them in time p^2 4^p.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks._table import Column, Failure, Table
from qopt.solvers.qaoa import fixed_angles as table
from qopt.solvers.qaoa.angles import interpolate
from qopt.solvers.qaoa.ansatz import Angles

DEGREES = (*map(float, range(2, 11)), math.inf)
LAYERS = 8

_CHECKED = 4
"""Layers up to which a check computes the angles anew; beyond, their value alone."""

_AGREES = 1e-6
"""Largest difference of a gain of the table from one computed anew."""

_DIGITS = 8

PUBLISHED = {
    3.0: (0.6924, 0.7559, 0.7924, 0.8169, 0.8364, 0.8499, 0.8598, 0.8674),
    math.inf: (0.3033, 0.4075, 0.4726, 0.5157, 0.5476, 0.5721, 0.5915, 0.6073),
}
"""Cuts of cubic graphs by Wurtz and Lykov, and gains at infinite degree by Basso et al."""

_HADAMARD = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0],
                      [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])


class Tree:
    """The figure of merit of a layer count and a degree, with its gradient.

    It is ``sqrt(D) (cut - 1/2)`` for the expected share ``cut`` of the edges that are cut; in the
    limit of infinite degree this is the iteration of section 4.1, half of the SK model's energy
    a spin.

    Parameters
    ----------
    degree : float
        2 or more, or infinite. Phases are in units of ``1 / sqrt(degree)``.
    layers : int
    """

    def __init__(self, degree: float, layers: int) -> None:
        self.degree, self.layers = degree, layers
        # A string is (a_1 .. a_p, a_-p .. a_-1), the middle a_0 = 1 by the symmetry of a flip.
        places = np.arange(2 * layers)
        self._signs = 1.0 - 2.0 * (np.arange(4**layers)[:, None] >> places & 1)
        self._own, self._mirror = self._signs[:, :layers], self._signs[:, :layers - 1:-1]
        self._turns = self._own - self._mirror

    def value_and_gradient(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Figure of merit and derivatives, at gammas in units of 1 / sqrt(degree), then betas.

        The chain of products is differentiated backwards; all of it is holomorphic, so that no
        conjugates appear.
        """
        gammas, betas = np.split(np.asarray(flat, dtype=float), 2)
        weights, slopes = self._paths(betas)
        branch, branch_slope, edge, edge_slope = self._phases(self._turns @ gammas)
        transformed = walsh(branch)
        tails = [np.ones(len(weights), dtype=complex)]
        sums = []
        for _ in range(self.layers):
            sums.append(convolve(transformed, weights * tails[-1]))
            tails.append(self._grow(sums[-1]))
        ends = weights * tails[-1]
        paired = convolve(walsh(edge), ends)
        value = complex(1j * (ends @ paired))
        by_edge = 1j * convolve(walsh(ends), ends)
        by_ends = 2j * paired
        by_weights = by_ends * tails[-1]
        by_branch = np.zeros_like(by_edge)
        by_tail = by_ends * weights
        for inner, total in zip(tails[-2::-1], sums[::-1], strict=True):
            by_sum = by_tail * self._growth(total)
            by_branch += convolve(walsh(by_sum), weights * inner)
            by_inner = convolve(transformed, by_sum)
            by_weights += by_inner * inner
            by_tail = by_inner * weights
        by_phase = by_branch * branch_slope + by_edge * edge_slope
        gradient = np.concatenate([by_phase @ self._turns, (by_weights * weights) @ slopes])
        return value.real, gradient.real

    def _paths(self, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Products of the mixers' amplitudes along every string, and their logarithmic slopes."""
        weights = np.ones(len(self._signs), dtype=complex)
        slopes = np.zeros((len(self._signs), self.layers))
        for part, turn in ((self._own, -1j), (self._mirror, 1j)):
            following = np.column_stack([part[:, 1:], np.ones(len(part))])
            stays = part == following
            weights *= np.where(stays, np.cos(betas), turn * np.sin(betas)).prod(axis=1)
            slopes += np.where(stays, -np.tan(betas), 1.0 / np.tan(betas))
        return weights, slopes

    def _phases(self, phase: np.ndarray) -> tuple[np.ndarray, ...]:
        """What a branch and the edge in the middle weigh by the phase between two strings."""
        if math.isinf(self.degree):
            return -0.5 * phase**2, -phase, 0.5 * phase, np.full_like(phase, 0.5)
        unit = math.sqrt(self.degree)
        cosine, sine = np.cos(phase / unit), np.sin(phase / unit)
        return cosine, -sine / unit, 0.5 * unit * sine, 0.5 * cosine

    def _grow(self, total: np.ndarray) -> np.ndarray:
        """All branches below a vertex."""
        return np.exp(total) if math.isinf(self.degree) else total ** (self.degree - 1.0)

    def _growth(self, total: np.ndarray) -> np.ndarray:
        """The derivative of that."""
        if math.isinf(self.degree):
            return np.exp(total)
        return (self.degree - 1.0) * total ** (self.degree - 2.0)


def walsh(values: np.ndarray) -> np.ndarray:
    """The Walsh-Hadamard transform of 4**p values, two bits at a time."""
    for _ in range(round(math.log(len(values), 4))):
        values = (_HADAMARD @ values.reshape(4, -1)).T.reshape(-1)  # turns the digits round
    return values


def convolve(transformed: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sum over b of ``first(a xor b) values(b)``, from the transform of the first."""
    return walsh(transformed * walsh(values)) / len(values)


def optimum(degree: float, layers: int, starts: Sequence[Sequence[float]]) -> table.Row:
    """The best end of descents from some angles; gammas positive, betas negative as ours are."""
    tree = Tree(degree, layers)

    def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = tree.value_and_gradient(flat)
        return -value, -gradient

    ends = [
        minimize(evaluate, start, jac=True, method="L-BFGS-B",
                 options={"ftol": 1e-13, "gtol": 1e-8, "maxcor": 30, "maxiter": 1000})
        for start in starts
    ]
    best = min(ends, key=lambda end: round(end.fun, 9))
    return table.Row(degree, Angles.split(best.x), -float(best.fun))


def compute(layers: int) -> Iterator[list[table.Row]]:
    """The rows of one number of layers after another, from infinite degree down to 2.

    A descent begins at the angles of one layer fewer, stretched, and one at those of the next
    larger degree.
    """
    rows: dict[float, table.Row] = {}
    for depth in range(1, layers + 1):
        larger: list[tuple[float, ...]] = []
        for degree in reversed(DEGREES):
            first = [interpolate(rows[degree].angles).flat] if depth > 1 else [_single(degree)]
            rows[degree] = optimum(degree, depth, first + larger)
            larger = [rows[degree].angles.flat]
        yield [rows[degree] for degree in reversed(DEGREES)]


def _single(degree: float) -> tuple[float, float]:
    """One layer's optimum, in closed form (Wang et al., PRA 97, 022304, 2018)."""
    if math.isinf(degree):
        return 0.5, -math.pi / 8.0
    return 0.5 * math.sqrt(degree) * math.atan(1.0 / math.sqrt(degree - 1.0)), -math.pi / 8.0


def write(layers: int) -> None:
    """Write the table."""
    lines = [
        "# Angles of QAOA with the most expected cut on regular graphs without short cycles.",
        "# Written by `python -m benchmarks fixed_angles --write`, which says how. Gammas are in",
        "# units of 1 / sqrt(degree), for C = sum Z Z minimised; gain = sqrt(degree) (cut - 1/2).",
    ]
    for rows in compute(layers):
        for row in rows:
            print(f"{row.degree:g} {row.angles.layers} {row.gain:.8f}", flush=True)
            lines += [
                "", "[[row]]", f"degree = {row.degree:g}", f"gain = {row.gain:.{_DIGITS}f}",
                f"gammas = {_rounded(row.angles.gammas)}", f"betas = {_rounded(row.angles.betas)}",
            ]
    Path(table.__file__).with_name(table.FILE).write_text("\n".join(lines) + "\n", "utf-8")


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, _DIGITS) for value in values]


def check(layers: int) -> Table:
    """Compare the table with values computed anew.

    Raises
    ------
    Failure
        Where a row differs from its value computed anew, or from a published one.
    """
    anew = {
        (row.degree, row.angles.layers): row.gain
        for rows in compute(min(layers, _CHECKED)) for row in rows
    }
    report = Table(
        "Share of the edges cut, by degree D and layers p",
        [
            Column("p", "d", 2), *(Column(f"D={degree:g}", ".4f", 7) for degree in DEGREES),
            Column("worst error", ".1e"), Column("slope", ".0e", 6),
        ],
        notes=["in the column D=inf sqrt(D) (share - 1/2) as D grows without bound"],
    ).begin()
    wrong = 0
    for depth, rows in table.table().items():
        if depth > layers:
            break
        worst, steepest = 0.0, 0.0
        for row in rows:
            gain, slope = Tree(row.degree, depth).value_and_gradient(np.array(row.angles.flat))
            error = abs(anew.get((row.degree, depth), gain) - row.gain) + abs(gain - row.gain)
            shown = row.gain if math.isinf(row.degree) else row.cut
            if row.degree in PUBLISHED and abs(shown - PUBLISHED[row.degree][depth - 1]) > 6e-5:
                published = PUBLISHED[row.degree][depth - 1]
                report.find(f"D={row.degree:g}, p={depth}: {published} was published")
                wrong += 1
            wrong += error > _AGREES
            worst, steepest = max(worst, error), max(steepest, float(np.abs(slope).max()))
        cuts = [row.gain if math.isinf(row.degree) else row.cut for row in reversed(rows)]
        report.add(depth, *cuts, worst, steepest)
    if wrong:
        raise Failure(f"{wrong} rows differ")
    report.find("the table agrees with what was computed anew and with what is published")
    return report


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks fixed_angles", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table; takes minutes")
    parser.add_argument("--layers", type=int, default=LAYERS)
    options = parser.parse_args(arguments)
    if options.write:
        write(options.layers)
    return [check(options.layers)]
