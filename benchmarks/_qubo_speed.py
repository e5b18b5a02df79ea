"""How fast the annealing kernels are: proposals a CPU second over the same temperatures."""

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks._instances import Instance
from benchmarks._peers import MOST_PAIRS, bqm_of, is_sparse, openjij_model
from benchmarks._table import Cell, Column, Table
from qopt.forms import Qubo
from qopt.solver import Budget, Progress
from qopt.solvers.annealing import SimulatedAnnealing

_LEAST = 0.3
"""CPU seconds of a measurement."""

_READS = 16

Rate = Callable[[], float]
"""Measures proposals a CPU second once."""


def measure(instances: Sequence[Instance], rounds: int, seed: int) -> Table:
    """Speed of `sa`, of dwave-samplers and of OpenJij, in turns, each so many times over."""
    table = Table(
        "Speed: millions of proposals a CPU second, same inverse temperatures, one thread",
        [
            Column("instance", width=20), Column("variables", "d"), Column("degree", ".1f"),
            Column("sa", ".0f"), Column("dwave-sa", ".0f"), Column("openjij-sa", ".0f"),
            Column("sa / dwave", ".2f"), Column("least", ".2f", 6), Column("most", ".2f", 6),
            Column("sa / openjij", ".2f"), Column("kernel", width=12),
        ],
        notes=[
            f"seed {seed}; medians of {rounds} measurements taken in turns, and the least and most "
            "ratio of a turn; what a library needs to take in the model is not counted",
        ],
    ).begin()
    for instance in instances:
        table.add(*_row(instance, rounds, seed))
    return table


def _row(instance: Instance, rounds: int, seed: int) -> list[Cell]:
    qubo = instance.qubo.penalised()
    own, kernel, betas = _own(qubo, seed)
    theirs = _dwave(qubo, betas, seed)
    third = None
    if find_spec("openjij") is not None and qubo.num_interactions <= MOST_PAIRS:
        third = _openjij(qubo, betas, seed)
    turns = [(own(), theirs(), third() if third else None) for _ in range(rounds)]
    ratios = [one / two for one, two, _ in turns]
    other = [three for *_, three in turns if three]
    shares = [one / three for one, _, three in turns if three]
    return [
        instance.name, qubo.num_variables, 2 * qubo.num_interactions / qubo.num_variables,
        median(one for one, _, _ in turns) / 1e6, median(two for _, two, _ in turns) / 1e6,
        median(other) / 1e6 if other else None, median(ratios), min(ratios), max(ratios),
        median(shares) if shares else None, kernel,
    ]


def _own(qubo: Qubo, seed: int) -> tuple[Rate, str, tuple[float, float]]:
    def anneal(sweeps: int) -> tuple[float, float, dict[str, Any]]:
        solver = SimulatedAnnealing(reads=_READS, sweeps=sweeps)
        outcome = solver.solve(qubo, Budget(), seed, Progress())
        spent = outcome.usage.phases["execute"].cpu
        return outcome.usage.evaluations / max(spent, 1e-9), spent, outcome.details

    sweeps = 10
    anneal(1)  # machine code
    while anneal(sweeps)[1] < _LEAST:
        sweeps *= 2
    details = anneal(1)[2]
    return (
        lambda: anneal(sweeps)[0], details["kernel"], (details["beta_min"], details["beta_max"])
    )


def _difference(spent: Callable[[int], float], variables: int) -> Rate:
    """A rate from two lengths of read: what their difference leaves out is not annealing."""
    sweeps = 10
    while (longer := spent(3 * sweeps)) - spent(sweeps) < max(_LEAST, 0.2 * longer):
        sweeps *= 2

    def rate() -> float:
        return 2 * sweeps * variables / max(1e-9, spent(3 * sweeps) - spent(sweeps))

    return rate


def _dwave(qubo: Qubo, betas: tuple[float, float], seed: int) -> Rate:
    from dwave.samplers import SimulatedAnnealingSampler

    model = bqm_of(qubo)

    def spent(sweeps: int) -> float:
        begin = time.process_time()
        SimulatedAnnealingSampler().sample(
            model, num_reads=1, num_sweeps=sweeps, beta_range=betas, seed=seed
        )
        return time.process_time() - begin

    return _difference(spent, qubo.num_variables)


def _openjij(qubo: Qubo, betas: tuple[float, float], seed: int) -> Rate:
    import openjij

    model = openjij_model(qubo)

    def spent(sweeps: int) -> float:
        begin = time.process_time()
        openjij.SASampler().sample(
            model, num_reads=1, num_sweeps=sweeps, seed=seed, beta_min=betas[0],
            beta_max=betas[1], sparse=is_sparse(qubo),
        )
        return time.process_time() - begin

    return _difference(spent, qubo.num_variables)
