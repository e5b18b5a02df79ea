"""Proofs for portfolios: seconds until each exact solver has proven its answer, or its gap."""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks._table import Cell, Column, Table
from qopt.errors import QoptError
from qopt.forms import Program
from qopt.solver import Budget, Outcome, Progress, Status
from qopt.solvers.cpsat import CpSat
from qopt.solvers.milp import Milp
from qopt.solvers.miqp import Miqp

SEED = 20_26
RISK = 0.9
KINDS = ("exactly", "at-most", "between", "lots", "weights")


def market(n: int, seed: int, factors: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Weekly means and covariance: a market factor, smaller ones, and risk of each asset's own."""
    rng = np.random.default_rng(seed)
    exposure = np.column_stack(
        [rng.normal(1.0, 0.3, n), rng.normal(0.0, 0.5, (n, factors - 1))]
    )
    deviation = np.array([0.02] + [0.012] * (factors - 1))
    own = rng.uniform(0.015, 0.045, n)
    covariance = (exposure * deviation**2) @ exposure.T + np.diag(own**2)
    mean = 0.001 + 0.001 * (exposure[:, 0] - 1.0) + 0.0015 * rng.normal(size=n)
    return mean, covariance


def portfolio(kind: str, n: int, k: int, seed: int) -> Program:
    """``0.9 w'Sw - 0.1 mu'w`` over one of the usual feasible sets.

    exactly: k assets, each of weight 1/k. at-most: k assets at most, the rest in cash. between:
    k/2 to k. lots: 20 of 5 %, at most 5 of an asset. weights: exactly k held, each of at least 1 %.
    """
    mean, covariance = market(n, seed)
    row, col = np.triu_indices(n)
    parts = {"weights": 1, "lots": 20}.get(kind, k)
    value = RISK * covariance[row, col] * np.where(row == col, 1.0, 2.0) / parts**2
    linear = (RISK - 1.0) * mean / parts
    everything = range(n)
    if kind == "weights":
        return Program.build(
            linear=np.concatenate([linear, np.zeros(n)]), row=row, col=col, value=value,
            integer=np.arange(2 * n) >= n,
            constraints=[
                ("all", everything, 1.0, "==", 1.0), ("held", range(n, 2 * n), 1.0, "==", k),
                *((f"most {i}", [i, n + i], [1.0, -1.0], "<=", 0.0) for i in everything),
                *((f"least {i}", [i, n + i], [1.0, -0.01], ">=", 0.0) for i in everything),
            ],
        )
    limits = {
        "exactly": [("held", everything, 1.0, "==", k)],
        "at-most": [("held", everything, 1.0, "<=", k)],
        "between": [("most", everything, 1.0, "<=", k), ("least", everything, 1.0, ">=", k // 2)],
        "lots": [("bought", everything, 1.0, "==", 20)],
    }[kind]
    return Program.build(
        linear=linear, row=row, col=col, value=value, upper=5.0 if kind == "lots" else 1.0,
        constraints=limits,
    )


def cell(outcome: Outcome, program: Program) -> Cell:
    """Seconds of a proof; otherwise how far the bound is below the answer, in words."""
    if outcome.status is Status.OPTIMAL:
        return outcome.usage.wall
    if not outcome.status.has_answer or outcome.bound is None:
        return str(outcome.status)
    value = program.objective(outcome.answers[0])
    return f"gap {100 * abs(value - outcome.bound) / abs(value):.3g} %"


def rows(kinds: Sequence[str], sizes: Sequence[int], held: Sequence[int]) -> Iterator[tuple]:
    """Name and program of each instance."""
    for kind in kinds:
        for n in sizes:
            for k in [0] if kind == "lots" else held:
                name = f"{kind}, {n}" if kind == "lots" else f"{kind} {k} of {n}"
                yield name, portfolio(kind, n, k, SEED + n + k)


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks portfolio_proofs", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="for each solver and instance")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--assets", nargs="+", type=int, default=[40], help="98 120 200, say")
    parser.add_argument("--held", nargs="+", type=int, default=[10], help="5 10 20, say")
    parser.add_argument("--solvers", nargs="+", choices=("milp", "cpsat", "miqp"),
                        default=["milp", "cpsat", "miqp"])
    options = parser.parse_args(arguments)
    every = {"milp": Milp(), "cpsat": CpSat(), "miqp": Miqp()}
    table = Table(
        "Seconds to the proof, or the gap that is left",
        [Column("instance", width=20), *(Column(name, ".2f", 12) for name in options.solvers)],
        notes=[f"seed {SEED}, one thread, {options.seconds:g} s a solver and instance"],
    ).begin()
    for name, program in rows(options.kinds, options.assets, options.held):
        cells: list[Cell] = []
        for solver in (every[name] for name in options.solvers):
            try:
                outcome = solver.solve(program, Budget(options.seconds), SEED, Progress())
                cells.append(cell(outcome, program))
            except QoptError:
                cells.append("refused")
        table.add(name, *cells)
    return [table]
