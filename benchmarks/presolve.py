"""Exact presolve of QUBOs: what each rule removes, seconds, and what roof duality removes alone."""

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks._instances import from_files, random_qubo, selection
from benchmarks._table import Column, Table
from qopt.errors import QoptError
from qopt.forms import Qubo
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
    yield "dense 300", random_qubo(300, 1.0, seed)
    yield "dense 3000", random_qubo(3000, 1.0, seed)
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


def by_roof_duality(qubo: Qubo) -> int | None:
    """Variables that the roof dual of the model without its groups fixes; None where too large."""
    from dwave.preprocessing import roof_duality

    if qubo.num_interactions > MOST_PAIRS:
        return None
    if qubo.groups:
        qubo = qubo.penalised()
    _, fixed = roof_duality(qubo.to_dimod(), strict=True)
    return len(fixed)


def measure(table: Table, name: str, qubo: Qubo) -> tuple[Counter[str], int]:
    """Presolve one model; what each rule removed, and what roof duality does alone."""
    begin = time.process_time()
    report = reduce_qubo(qubo).reduction
    seconds = time.process_time() - begin
    assert report is not None
    alone = by_roof_duality(qubo)
    table.add(
        name, report.variables, qubo.num_interactions,
        100.0 * report.total / max(1, report.variables),
        *(report.removed.get(rule) or None for rule in RULES),
        alone, report.total / alone if alone else None, seconds,
    )
    return Counter(report.removed), alone or 0


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks presolve", description=__doc__)
    parser.add_argument("path", nargs="*", type=Path, help="instance files, or folders of them")
    parser.add_argument("--variables", type=int, default=20_000, help="of the sparse models")
    options = parser.parse_args(arguments)
    if options.path:
        files = ((found.name, found.qubo) for found in from_files(options.path))
        families = {"Files": files}
    else:
        families = {"Bundled": from_bundle(), "Generated": generated(SEED, options.variables)}
    return [family(title, models) for title, models in families.items()]


def family(title: str, models: Iterable[tuple[str, Qubo]]) -> Table:
    """The table of one family of models."""
    table = Table(
        f"{title} models: variables removed, by rule",
        [
            Column("model", width=20), Column("bits", "d", 6), Column("pairs", "d", 7),
            Column("gone %", ".0f", 6),
            *(Column(rule.replace("roof duality", "roof"), "d", 6) for rule in RULES),
            Column("roof alone", "d"), Column("ratio", ".1f", 6), Column("CPU s", ".2f", 5),
        ],
        notes=[
            f"Seed {SEED}. 'roof alone' is what dwave-preprocessing's roof dual fixes of the same "
            "model, groups as penalties; 'ratio' all that is removed to that."
        ],
    ).begin()
    rules: Counter[str] = Counter()
    roof = 0
    for name, qubo in models:
        found, alone = measure(table, name, qubo)
        rules, roof = rules + found, roof + alone
    by = ", ".join(f"{rules[rule]} {rule}" for rule in RULES if rules[rule])
    table.find(
        f"In all {sum(rules.values())} removed ({by or 'none'}); roof duality alone {roof}."
    )
    return table
