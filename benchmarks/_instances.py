"""QUBOs that are measured on: generated ones of the usual shapes, and those of files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qopt.errors import QoptError
from qopt.forms import Group, Qubo
from qopt.loading import load
from qopt.problem import Problem
from qopt.reduction import lower


@dataclass(frozen=True)
class Instance:
    """A QUBO that is measured on.

    Parameters
    ----------
    name : str
    qubo : Qubo
    known : float, optional
        Energy of the best known answer; None where no value is on record.
    source : str
        Where that is from.
    kind : str
        Of the problem in the file.
    file : Path, optional
        What it was read from.
    """

    name: str
    qubo: Qubo
    known: float | None = None
    source: str = ""
    kind: str = "qubo"
    file: Path | None = None


# -- generated ----------------------------------------------------------------------------------


def random_graph(n: int, density: float, seed: int) -> Qubo:
    """MaxCut of a random graph, as the generator rudy makes them for the G-set."""
    rng = np.random.default_rng(seed)
    wanted = round(density * n * (n - 1) / 2)
    keys = rng.choice(n * (n - 1) // 2, size=wanted, replace=False)
    high = np.floor((1 + np.sqrt(1 + 8 * keys.astype(float))) / 2).astype(np.int64)
    return max_cut(n, high, keys - high * (high - 1) // 2)


def regular_graph(n: int, degree: int, seed: int) -> Qubo:
    """MaxCut of a random regular graph."""
    import networkx as nx

    edges = np.array(nx.random_regular_graph(degree, n, seed=seed).edges())
    return max_cut(n, edges[:, 0], edges[:, 1])


def max_cut(n: int, row: np.ndarray, col: np.ndarray) -> Qubo:
    """Minus the number of cut edges."""
    degree = np.bincount(np.concatenate([row, col]), minlength=n)
    return Qubo.from_arrays(-degree, row, col, np.full(len(row), 2.0))


def random_qubo(n: int, density: float, seed: int) -> Qubo:
    """Whole coefficients between -100 and 100, as in Beasley's and Palubeckis' instances."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    keep = rng.random(len(row)) < density
    value = rng.integers(-100, 101, len(row))
    return Qubo.from_arrays(
        rng.integers(-100, 101, n), row[keep], col[keep], 2.0 * value[keep]
    )


def selection(n: int, size: int, seed: int) -> Qubo:
    """Choose a share of n correlated assets: one group and a dense covariance."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 8))
    covariance = factors @ factors.T + np.diag(rng.uniform(0.5, 2.0, n))
    matrix = covariance / size - np.diag(rng.uniform(0.0, 2.0, n))
    return Qubo.from_matrix(matrix, groups=[Group(tuple(range(n)), size)])


SHAPES: dict[str, Callable[[int], Qubo]] = {
    "graph 800, 6 %": lambda seed: random_graph(800, 0.06, seed),
    "graph 2000, 1 %": lambda seed: random_graph(2000, 0.01, seed),
    "graph 5000, 0.1 %": lambda seed: random_graph(5000, 0.001, seed),
    "3-regular 10000": lambda seed: regular_graph(10_000, 3, seed),
    "3-regular 100000": lambda seed: regular_graph(100_000, 3, seed),
    "QUBO 200, 100 %": lambda seed: random_qubo(200, 1.0, seed),
    "QUBO 500, 100 %": lambda seed: random_qubo(500, 1.0, seed),
    "QUBO 1000, 100 %": lambda seed: random_qubo(1000, 1.0, seed),
    "QUBO 1000, 10 %": lambda seed: random_qubo(1000, 0.1, seed),
    "QUBO 3000, 50 %": lambda seed: random_qubo(3000, 0.5, seed),
    "select 20 of 200": lambda seed: selection(200, 20, seed),
    "graph 100, 10 %": lambda seed: random_graph(100, 0.1, seed),
    "QUBO 60, 50 %": lambda seed: random_qubo(60, 0.5, seed),
}
"""Generated instances by name."""


def generated(names: list[str], seed: int) -> Iterator[Instance]:
    """Generated instances, made as they come."""
    for name in names:
        yield Instance(name, SHAPES[name](seed))


# -- from files ---------------------------------------------------------------------------------


def from_files(paths: list[Path]) -> Iterator[Instance]:
    """Every file in the folders, and every file named, that can be given as a QUBO."""
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            try:
                problem = _load(file)
                _, lowering = lower(problem, ["qubo"])
            except QoptError as refused:
                print(f"{file.name} left out: {refused}")
                continue
            made = Instance(file.name, lowering.model, kind=problem.kind, file=file)
            reference = problem.reference
            if reference is not None and lowering.complete and not lowering.relaxed:
                energy = (reference.value - lowering.offset) / lowering.scale
                made = replace(made, known=energy, source=reference.source)
            yield made


def _load(file: Path) -> Problem:
    """The instance; a QUBO in the sense in which a best value of it is on record."""
    problem = load(file)
    if problem.kind != "qubo" or problem.reference is not None:
        return problem
    maximised = load(file, sense="maximise")
    return maximised if maximised.reference is not None else problem
