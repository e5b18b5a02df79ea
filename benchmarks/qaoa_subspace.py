"""QAOA within groups: expectation and gradient of the subspace simulator, beside QOKit's."""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from math import comb

import numpy as np

from benchmarks._instances import selection
from benchmarks._table import Column, Table
from benchmarks.qaoa_simulation import seconds
from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate.subspace import Subspace, SubspaceMixer

LAYERS = 6
ANGLES = Angles((0.3,) * LAYERS, (-0.2,) * LAYERS)
MIXERS: tuple[SubspaceMixer, ...] = ("ring", "complete", "johnson", "grover")
SEED = 20_26
_SLOWEST = 14
"""Qubits up to which QOKit's simulator of all bit strings does not take minutes."""


def choices(groups: int, size: int) -> Qubo:
    """One of each group, with random couplings of a quarter of the pairs."""
    generator = np.random.default_rng(SEED)
    n = groups * size
    matrix = np.triu(generator.normal(size=(n, n)) * (generator.random((n, n)) < 0.25))
    return Qubo.from_matrix(matrix, groups=[
        Group(tuple(range(start, start + size)), 1) for start in range(0, n, size)
    ])


CASES: dict[str, Callable[[], Qubo]] = {
    "4 of 12": lambda: selection(12, 4, SEED),
    "5 of 20": lambda: selection(20, 5, SEED),
    "10 of 20": lambda: selection(20, 10, SEED),
    "5 of 30": lambda: selection(30, 5, SEED),
    "6 x 1 of 6": lambda: choices(6, 6),
    "7 x 1 of 7": lambda: choices(7, 7),
}


def qokit(qubo: Qubo, size: int) -> float | None:
    """Seconds of QOKit's ring mixer on all bit strings; None where it is not installed."""
    try:
        from qokit.fur import get_qaoa_simulator_class  # type: ignore[import-not-found]
    except ImportError:
        return None
    n = qubo.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    kind = get_qaoa_simulator_class("auto", "xyring")
    simulator = kind(n, costs=qubo.energies(bits))
    start = (bits.sum(axis=1) == size) / np.sqrt(comb(n, size))

    def run() -> float:
        result = simulator.simulate_qaoa(ANGLES.gammas, ANGLES.betas, start.astype(complex))
        return float(simulator.get_expectation(result))

    return seconds(run)


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks qaoa_subspace", description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    options = parser.parse_args(arguments)
    table = Table(
        "Expectation and gradient within groups",
        [
            Column("groups", width=12), Column("qubits", "d"), Column("states", "d", 9),
            Column("mixer", width=10), Column("forward", ".2f"), Column("gradient", ".2f"),
            Column("forwards", ".2f"),
        ],
        notes=[f"seed {SEED}, p = {LAYERS}, {options.threads} threads; milliseconds, best of "
               "several"],
    ).begin()
    for name in options.cases:
        qubo = CASES[name]()
        cost = Cost.within_groups(qubo)
        for mixer in MIXERS:
            simulator = Subspace(cost, qubo.groups, mixer, options.threads)
            simulator.value_and_gradient(ANGLES, Mean())
            forward = seconds(partial(simulator.expectation, ANGLES))
            gradient = seconds(partial(simulator.value_and_gradient, ANGLES, Mean()))
            table.add(
                name, qubo.num_variables, simulator.size, mixer, 1e3 * forward, 1e3 * gradient,
                gradient / forward,
            )
        if len(qubo.groups) == 1 and qubo.num_variables <= _SLOWEST:
            peer = qokit(qubo, qubo.groups[0].size)
            told = "not installed: pip install qokit" if peer is None else 1e3 * peer
            table.add(
                name, qubo.num_variables, 2**qubo.num_variables, "QOKit ring", told, None, None
            )
    return [table]
