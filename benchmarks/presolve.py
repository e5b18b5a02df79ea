"""Exact presolve of QUBOs: what each rule removes, seconds, and what roof duality removes alone."""

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from qopt.errors import QoptError
from qopt.forms import Group, Qubo
from qopt.forms.reduce import reduce_qubo
from qopt.forms.reduce.report import RULES
from qopt.loading import bundled, load
from qopt.reduction import lower

SEED = 20_26

MOST_PAIRS = 300_000
"""Pairs up to which the flow of the roof dual is asked for, for comparison."""


def max_cut(edges: np.ndarray, n: int, weights: np.ndarray | float = 1.0) -> Qubo:
    """Minus the weight of the cut edges."""
    weight = np.broadcast_to(weights, len(edges)).astype(np.float64)
    degree = np.bincount(edges.ravel(), weights=np.repeat(weight, 2), minlength=n)
    return Qubo.from_arrays(-degree, edges[:, 0], edges[:, 1], 2.0 * weight)


def random_graph(n: int, mean: float, seed: int) -> np.ndarray:
    """Edges of a random graph of a mean degree."""
    import networkx as nx

    return np.array(nx.fast_gnp_random_graph(n, mean / n, seed=seed).edges())


def regular_graph(n: int, degree: int, seed: int) -> np.ndarray:
    """Edges of a random regular graph."""
    import networkx as nx

    return np.array(nx.random_regular_graph(degree, n, seed=seed).edges())


def tree(n: int, seed: int) -> np.ndarray:
    """Edges of a random tree: every vertex hangs on an earlier one."""
    rng = np.random.default_rng(seed)
    later = np.arange(1, n)
    return np.column_stack([(rng.random(n - 1) * later).astype(np.int64), later])


def with_fields(edges: np.ndarray, n: int, seed: int) -> Qubo:
    """Normal coefficients on the edges of a graph, and on its vertices."""
    rng = np.random.default_rng(seed)
    return Qubo.from_arrays(
        rng.normal(size=n), edges[:, 0], edges[:, 1], rng.normal(size=len(edges))
    )


def dense(n: int, seed: int) -> Qubo:
    """Whole coefficients between -100 and 100 on every pair."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    return Qubo.from_arrays(
        rng.integers(-100, 101, n), row, col, 2.0 * rng.integers(-100, 101, len(row))
    )


def selection(n: int, size: int, seed: int) -> Qubo:
    """Choose a number of n correlated assets: one group and a dense covariance."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 8))
    covariance = factors @ factors.T + np.diag(rng.uniform(0.5, 2.0, n))
    matrix = covariance / size - np.diag(rng.uniform(0.0, 2.0, n))
    return Qubo.from_matrix(matrix, groups=[Group(tuple(range(n)), size)])


def generated(seed: int, n: int) -> Iterator[tuple[str, Qubo]]:
    """Models of the usual shapes with n variables, the dense ones with fewer."""
    rng = np.random.default_rng(seed)
    for mean in (2, 3, 5):
        edges = random_graph(n, mean, seed)
        yield f"cut, degree {mean}", max_cut(edges, n)
        yield f"fields, degree {mean}", with_fields(edges, n, seed)
    edges = regular_graph(n, 3, seed)
    yield "cut, 3-regular", max_cut(edges, n)
    yield "signs, 3-regular", max_cut(edges, n, rng.choice([-1.0, 1.0], len(edges)))
    yield "normal, 3-regular", max_cut(edges, n, rng.normal(size=len(edges)))
    yield "cut, tree", max_cut(tree(n, seed), n)
    yield "dense 300", dense(300, seed)
    yield "dense 3000", dense(3000, seed)
    yield "select 5 of 60", selection(60, 5, seed)
    yield "select 20 of 200", selection(200, 20, seed)


def from_bundle() -> Iterator[tuple[str, Qubo]]:
    """The bundled instances, as QUBOs."""
    for entry in bundled():
        try:
            _, lowering = lower(load(entry.name), ["qubo"])
        except QoptError:
            continue
        yield entry.name, lowering.model


def from_files(path: Path) -> Iterator[tuple[str, Qubo]]:
    """Every file in a folder, or one file, that can be given as a QUBO."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        try:
            _, lowering = lower(load(file), ["qubo"])
        except QoptError as refused:
            print(f"  {file.name} left out: {refused}")
            continue
        yield file.name, lowering.model


def by_roof_duality(qubo: Qubo) -> int | None:
    """Variables that the roof dual of the model without its groups fixes; None where too large."""
    from dwave.preprocessing import roof_duality

    if qubo.num_interactions > MOST_PAIRS:
        return None
    if qubo.groups:
        qubo = qubo.penalised()
    _, fixed = roof_duality(qubo.to_dimod(), strict=True)
    return len(fixed)


def row(name: str, qubo: Qubo, layout: str) -> tuple[Counter[str], int]:
    """Print what presolve does to one model; what each rule removed, and roof duality alone."""
    begin = time.process_time()
    report = reduce_qubo(qubo).reduction
    seconds = time.process_time() - begin
    assert report is not None
    alone = by_roof_duality(qubo)
    ratio = "-" if not alone else f"{report.total / alone:.1f}"
    share = f"{100 * report.total / max(1, report.variables):.0f} %"
    counts = [str(report.removed.get(rule, "") or "") for rule in RULES]
    print(layout.format(
        name[:20], report.variables, qubo.num_interactions, share, *counts,
        "-" if alone is None else alone, ratio, f"{seconds:.2f}",
    ))
    return Counter(report.removed), alone or 0


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks presolve", description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, help="a folder of instance files, or one")
    parser.add_argument("--variables", type=int, default=20_000, help="of the sparse models")
    options = parser.parse_args(arguments)
    print(f"seed {SEED}, CPU seconds; 'roof alone' is what dwave-preprocessing's roof dual fixes")
    print("of the same model (groups as penalties), and 'ratio' all that is removed to that\n")
    layout = "{:20} {:>7} {:>8} {:>6}" + " {:>11}" * len(RULES) + " {:>10} {:>6} {:>6}"
    titles = [rule.replace("roof duality", "roof") for rule in RULES]
    print(layout.format("model", "bits", "pairs", "gone", *titles, "roof alone", "ratio", "s"))
    if options.path:
        families = [from_files(options.path)]
    else:
        families = [from_bundle(), generated(SEED, options.variables)]
    for family in families:
        rules: Counter[str] = Counter()
        roof = 0
        for name, qubo in family:
            found, alone = row(name, qubo, layout)
            rules, roof = rules + found, roof + alone
        total = sum(rules.values())
        by = ", ".join(f"{rules[rule]} {rule}" for rule in RULES if rules[rule])
        print(f"in all {total} removed ({by or 'none'}); roof duality alone {roof}\n")
