"""Angles from the table, without a search: the energy as a share of what training=auto reaches."""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks._instances import random_qubo, regular_graph, selection
from benchmarks._table import Column, Table
from qopt.forms import Qubo
from qopt.loading import load
from qopt.reduction import lower
from qopt.solvers.qaoa.angle_search import train
from qopt.solvers.qaoa.angles import Allowance, default_evaluations, ramp, train_single_layer
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.fixed_angles import fixed_angles, transferred
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate.statevector import Statevector

SEED = 20_26
DEPTHS = (1, 2, 4, 6)

WAYS = ("by degree", "by spread", "transferred", "ramp")

_BUNDLED = ("sp500-10-k4", "grouped-12")


def weighted_cubic(n: int, seed: int, normal: bool) -> Qubo:
    """A random cubic graph with weights normal, or uniform between 0 and 1."""
    graph = regular_graph(n, 3, seed)
    rng = np.random.default_rng(seed)
    size = len(graph.row)
    weights = rng.normal(size=size) if normal else rng.uniform(size=size)
    return glass(n, graph.row, graph.col, weights)


def dense(n: int, seed: int, field: float) -> Qubo:
    """Normal couplings between all spins, of variance 1, and fields of this standard deviation."""
    rng = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    return glass(n, row, col, rng.normal(size=len(row)), field * rng.normal(size=n))


def glass(
    n: int, row: np.ndarray, col: np.ndarray, couplings: np.ndarray,
    fields: np.ndarray | None = None,
) -> Qubo:
    """The QUBO of an Ising model, without its constant."""
    linear = np.zeros(n) if fields is None else -2.0 * fields
    np.subtract.at(linear, row, 2.0 * couplings)
    np.subtract.at(linear, col, 2.0 * couplings)
    return Qubo.from_arrays(linear, row, col, 4.0 * couplings)


FAMILIES: dict[str, Callable[[int], Qubo]] = {
    "cubic 16": lambda seed: regular_graph(16, 3, seed),
    "cubic 16, uniform": lambda seed: weighted_cubic(16, seed, normal=False),
    "cubic 16, normal": lambda seed: weighted_cubic(16, seed, normal=True),
    "dense 14": lambda seed: dense(14, seed, 0.0),
    "dense 14, fields 1": lambda seed: dense(14, seed, 1.0),
    "dense 14, fields 4": lambda seed: dense(14, seed, 4.0),
    "QUBO 14, 25 %": lambda seed: random_qubo(14, 0.25, seed),
    "select 4 of 10": lambda seed: selection(10, 4, seed),
}


def ways(cost: Cost, layers: int) -> dict[str, Angles]:
    """The angles that are compared, by `WAYS`."""
    first = train_single_layer(cost)
    degree = 2.0 * len(cost.ising.J) / cost.qubits
    table = fixed_angles(degree, layers)
    # The table's own costs, without fields and with couplings of 1, have a spread of sqrt(D / 2).
    shrink = math.sqrt(0.5 * degree) / cost.spread
    return {
        "by degree": table,
        "by spread": Angles(tuple(shrink * gamma for gamma in table.gammas), table.betas),
        "transferred": transferred(cost, layers, first),
        "ramp": ramp(first, layers),
    }


def instances(
    families: Sequence[str], count: int, seed: int
) -> Iterator[tuple[str, list[Qubo]]]:
    """Families of costs with their names."""
    for name in families:
        if name in FAMILIES:
            yield name, [FAMILIES[name](seed + number) for number in range(count)]
        else:
            yield name, [lower(load(name), ["qubo"])[1].model]


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks transferred_angles", description=__doc__
    )
    parser.add_argument("--count", type=int, default=5, help="costs of each generated family")
    parser.add_argument("--families", nargs="+", choices=(*FAMILIES, *_BUNDLED),
                        default=(*FAMILIES, *_BUNDLED), metavar="NAME")
    parser.add_argument("--depths", nargs="+", type=int, default=DEPTHS, help="numbers of layers")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    table = Table(
        "Energy as a share of what training=auto reaches",
        [
            Column("cost", width=20), Column("p", "d", 2),
            *(Column(f"{way}{end}", ".3f") for way in WAYS for end in ("", ", worst")),
        ],
        notes=[f"seed {options.seed}; mean and worst of {options.count} costs, penalised ones "
               "included"],
    ).begin()
    for name, qubos in instances(options.families, options.count, options.seed):
        shares: dict[tuple[int, str], list[float]] = {}
        for qubo in qubos:
            cost = Cost.of(qubo.penalised())
            simulator = Statevector(cost)
            for p in options.depths:
                allowance = Allowance(default_evaluations("auto", p, 0))
                best = simulator.expectation(train(simulator, p, Mean(), allowance).angles)
                for way, angles in ways(cost, p).items():
                    reached = simulator.expectation(angles) / best
                    shares.setdefault((p, way), []).append(reached)
        for p in options.depths:
            found = [shares[p, way] for way in WAYS]
            table.add(name, p, *(f(one) for one in found for f in (np.mean, min)))
    return [table]
