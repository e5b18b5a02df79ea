"""Write the QUBO instances of this folder, with their proven optima.

Run by hand::

    python instances/qubo/make.py

``sparse-50`` is drawn as Beasley's instances are: the diagonal and a tenth of the pairs carry whole
numbers from -100 to 100. ``grouped-12`` has three groups of four bits, one of which is one.
"""

from pathlib import Path

import numpy as np

import qopt
from qopt.forms import Group, Qubo
from qopt.forms.qubo_files import write_qubo

FOLDER = Path(__file__).parent


def sparse(variables: int, density: float, seed: int) -> Qubo:
    """Minimise x'Qx with whole numbers from -100 to 100, off-diagonal entries counting twice."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(variables, 1)
    chosen = rng.random(len(row)) < density
    linear = rng.integers(-100, 101, variables)
    value = 2 * rng.integers(-100, 101, int(chosen.sum()))
    return Qubo.from_arrays(linear, row[chosen], col[chosen], value)


def grouped(groups: int, size: int, seed: int) -> Qubo:
    """Choose one of each group at the least cost of the choices and of their pairs."""
    rng = np.random.default_rng(seed)
    n = groups * size
    return Qubo.from_matrix(
        np.triu(rng.integers(-20, 21, (n, n))),
        labels=[f"choice_{g}_{i}" for g in range(groups) for i in range(size)],
        groups=[
            Group(tuple(range(g * size, (g + 1) * size)), 1, name=f"choice {g}")
            for g in range(groups)
        ],
    )


INSTANCES = [
    ("sparse-50", "sparse-50.sparse", sparse(50, 0.1, seed=50), "milp", "HiGHS"),
    ("grouped-12", "grouped-12.json", grouped(3, 4, seed=12), "exact", "enumeration"),
]


def main() -> None:
    """Write the data files and the instance files."""
    for name, data, qubo, solver, how in INSTANCES:
        write_qubo(qubo, FOLDER / data)
        solved = qopt.solve(qopt.load(FOLDER / data), solver)
        assert solved.status == "optimal", solved
        (FOLDER / f"{name}.toml").write_text(
            f'kind = "qubo"\ndata = "{data}"\n\n[reference]\nvalue = {solved.objective}\n'
            f'source = "proven by {how}"\nproven = true\nconvention = "the energy, minimised"\n',
            encoding="utf-8",
        )
        print(name, solved.objective)


if __name__ == "__main__":
    main()
