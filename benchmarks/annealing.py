"""Simulated annealing against dwave-samplers: proposals a second, and quality in equal time."""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from qopt.errors import QoptError
from qopt.forms import Group, Qubo
from qopt.loading import load
from qopt.reduction import lower
from qopt.solver import Budget, Progress
from qopt.solvers.annealing import SimulatedAnnealing
from qopt.solvers.dwave import DwaveAnnealing, DwaveTabu

SEED = 20_26


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


def generated(seed: int) -> Iterator[tuple[str, Qubo]]:
    """Instances of the usual shapes."""
    yield "graph 800, 6 %", random_graph(800, 0.06, seed)
    yield "graph 2000, 1 %", random_graph(2000, 0.01, seed)
    yield "graph 5000, 0.1 %", random_graph(5000, 0.001, seed)
    yield "3-regular 10000", regular_graph(10_000, 3, seed)
    yield "QUBO 500, 10 %", random_qubo(500, 0.1, seed)
    yield "QUBO 1000, 100 %", random_qubo(1000, 1.0, seed)
    yield "select 20 of 200", selection(200, 20, seed)


def from_files(path: Path) -> Iterator[tuple[str, Qubo]]:
    """Every file in a folder, or one file, that can be given as a QUBO."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        try:
            _, lowering = lower(load(file), ["qubo"])
        except QoptError as refused:
            print(f"  {file.name} left out: {refused}")
            continue
        yield file.name, lowering.model


def proposals_per_second(qubo: Qubo) -> tuple[float, float]:
    """Of `sa` and of dwave-samplers, on one thread, over the same inverse temperatures."""
    from dwave.samplers import SimulatedAnnealingSampler

    sweeps = max(100, 30_000_000 // (qubo.num_variables + 2 * qubo.num_interactions))
    solver = SimulatedAnnealing(reads=16, sweeps=sweeps)
    solver.solve(qubo, Budget(time_limit=0.0), SEED, Progress())  # compile
    outcome = solver.solve(qubo, Budget(), SEED, Progress())
    ours = outcome.usage.evaluations / outcome.usage.phases["execute"].cpu
    betas = (outcome.details["beta_min"], outcome.details["beta_max"])
    model = qubo.penalised().to_dimod()

    def seconds(count: int) -> float:
        begin = time.process_time()
        SimulatedAnnealingSampler().sample(
            model, num_reads=1, num_sweeps=count, beta_range=betas, seed=SEED
        )
        return time.process_time() - begin

    # The difference of two runs leaves out what the library needs to take in the model.
    theirs = 2 * sweeps * qubo.num_variables / (seconds(3 * sweeps) - seconds(sweeps))
    return ours, theirs


def best_values(qubo: Qubo, seconds: float) -> list[float | None]:
    """Best objective of `sa`, `dwave-sa` and `dwave-tabu`; None without any in time."""
    best: list[float | None] = []
    for solver in (SimulatedAnnealing(), DwaveAnnealing(), DwaveTabu()):
        outcome = solver.solve(qubo, Budget(time_limit=seconds), SEED, Progress())
        answers = np.asarray(outcome.answers).reshape(-1, qubo.num_variables)
        feasible = answers[qubo.group_violations(answers) == 0]
        best.append(float(qubo.energies(feasible).min()) if len(feasible) else None)
    return best


def gap(value: float | None, best: float) -> str:
    """How far a value is above the best, in per cent."""
    if value is None:
        return "none"
    return f"{100 * (value - best) / max(abs(best), 1e-300):.4f} %"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks annealing", description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, help="a folder of instance files, or one")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each solver and instance")
    options = parser.parse_args(arguments)
    print(f"seed {SEED}, one thread, {options.seconds:g} s a solver and instance")
    print("speed in millions of proposals a CPU second; gap to the best of the three\n")
    title = ("instance", "sa", "dwave-sa", "ratio", "best", "sa", "dwave-sa", "dwave-tabu")
    layout = "{:20} {:>8} {:>9} {:>6} {:>16} {:>11} {:>11} {:>11}"
    print(layout.format(*title))
    for name, qubo in from_files(options.path) if options.path else generated(SEED):
        ours, theirs = proposals_per_second(qubo)
        values = best_values(qubo, options.seconds)
        best = min(value for value in values if value is not None)
        speed = [f"{ours / 1e6:.0f}", f"{theirs / 1e6:.0f}", f"{ours / theirs:.1f}"]
        if qubo.groups:  # swaps beside flips that a penalty turns down: no ratio of like with like
            speed[2] = "-"
        gaps = (gap(value, best) for value in values)
        print(layout.format(name, *speed, f"{best:.10g}", *gaps))
