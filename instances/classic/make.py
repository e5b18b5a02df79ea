"""Write the instances of this folder, with their proven optima.

Run by hand::

    python instances/classic/make.py

Numbers are drawn by numpy from the seeds below, or typed in where a source is named. Each optimum
is proven by visiting every answer, or, where there are too many, by CP-SAT.
"""

from pathlib import Path

import numpy as np

import qopt

FOLDER = Path(__file__).parent

FT06 = """\
# Fisher and Thompson (1963): 6 jobs, 6 machines
6 6
2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1
"""

NUG5 = """\
5

0 1 1 2 3
1 0 2 1 2
1 2 0 1 2
2 1 1 0 1
3 2 2 1 0

0 5 2 4 1
5 0 3 0 2
2 3 0 0 0
4 0 0 0 5
1 2 0 5 0
"""


def lines(rows: list[list[int]]) -> str:
    """Rows of numbers as text."""
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)


def knapsack(items: int, resources: int, seed: int) -> str:
    """OR-Library's layout: weights of 1 to 60, profits near them, half of all weight fits."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 61, (resources, items))
    profits = weights.sum(axis=0) // resources + rng.integers(1, 21, items)
    rows = [[1], [items, resources, 0], profits.tolist(), *weights.tolist()]
    return lines([*rows, (weights.sum(axis=1) // 2).tolist()])


def packing(items: int, capacity: int, seed: int) -> str:
    """BPPLIB's layout: sizes from a fifth to a half of the capacity."""
    sizes = np.random.default_rng(seed).integers(capacity // 5, capacity // 2 + 1, items)
    return lines([[items], [capacity], *[[size] for size in sizes.tolist()]])


def shop(jobs: int, machines: int, longest: int, seed: int) -> str:
    """The standard layout: every job visits every machine, durations of 1 to `longest`."""
    rng = np.random.default_rng(seed)
    rows = [[jobs, machines]]
    for _ in range(jobs):
        pairs = np.stack([rng.permutation(machines), rng.integers(1, longest + 1, machines)])
        rows.append(pairs.T.ravel().tolist())
    return lines(rows)


def split(equations: int, variables: int, seed: int) -> str:
    """QOBLIB's layout: coefficients of 0 to 99, targets that some choice meets."""
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 100, (equations, variables))
    targets = table @ rng.integers(0, 2, variables)
    return lines([[equations, variables], *np.column_stack([table, targets]).tolist()])


def files() -> dict[str, str]:
    """Name and content of every data file."""
    numbers = np.random.default_rng(14).integers(1, 100_000, 14).tolist()
    return {
        "knapsack-14x2.txt": knapsack(14, 2, 14),
        "packing-12.txt": packing(12, 100, 12),
        "shop-3x3.txt": shop(3, 3, 3, 5),
        "ft06.txt": FT06,
        "numbers-14.txt": lines([[number] for number in numbers]),
        "split-3x20.dat": split(3, 20, 20),
        "nug5.dat": NUG5,
        "labs-13.txt": "13\n",
    }


# name, data file, kind, settings, solver that proves
INSTANCES: list[tuple[str, str, str, dict[str, str], str]] = [
    ("knapsack-14x2", "knapsack-14x2.txt", "knapsack", {}, "cpsat"),
    ("packing-12", "packing-12.txt", "bin-packing", {}, "cpsat"),
    ("shop-3x3", "shop-3x3.txt", "job-shop", {}, "cpsat"),
    ("ft06", "ft06.txt", "job-shop", {}, "cpsat"),
    ("numbers-14", "numbers-14.txt", "number-partitioning", {}, "exact"),
    ("split-3x20", "split-3x20.dat", "market-split", {}, "exact"),
    ("nug5", "nug5.dat", "quadratic-assignment", {}, "cpsat"),
    ("labs-13", "labs-13.txt", "labs", {}, "cpsat"),
]


def main() -> None:
    """Write the data files and the instance files."""
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    for name, data, kind, given, solver in INSTANCES:
        solved = qopt.solve(qopt.load(FOLDER / data, kind=kind, **given), solver)
        assert solved.status == "optimal", solved
        how = "enumeration" if solver == "exact" else "CP-SAT"
        more = "".join(f'{key} = "{value}"\n' for key, value in given.items())
        (FOLDER / f"{name}.toml").write_text(
            f'kind = "{kind}"\ndata = "{data}"\n{more}\n[reference]\nvalue = {solved.objective}\n'
            f'source = "proven by {how}"\nproven = true\n',
            encoding="utf-8",
        )
        print(name, solved.objective)


if __name__ == "__main__":
    main()
