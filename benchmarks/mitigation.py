"""Error mitigation of QAOA's mean energy: bias, error, shots and time of every method."""

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks._instances import random_qubo, selection
from benchmarks._table import Column, Failure, Table
from qopt.problems.generic import QuboProblem
from qopt.solvers.qaoa.mitigate.study import METHODS, mitigation
from qopt.solvers.qaoa.mitigate.table import MitigationTable
from qopt.solvers.qaoa.solver import MixerChoice

SEED = 20_26
DEVICES = ("aer:torino", "aer:fez", "depolarizing:0.0003;0.003;0.01")


def instances(qubits: int) -> list[tuple[QuboProblem, MixerChoice]]:
    """A dense QUBO with fields, and a choice of two of as many assets, whose group is kept."""
    return [
        (QuboProblem(name=f"QUBO {qubits}", qubo=random_qubo(qubits, 1.0, SEED)), "x"),
        (QuboProblem(name=f"select 2 of {qubits}", qubo=selection(qubits, 2, SEED)), "ring"),
    ]


def fill(table: Table, name: str, study: MitigationTable) -> None:
    """The rows of one study, beside the raw one's."""
    raw = next(row for row in study.rows if row.method == "raw")
    if study.ideal is None or not raw.rmse:
        raise Failure(f"{name} on {study.device}: the noiseless mean is not known")
    for row in study.rows:
        if row.reason:
            table.add(name, study.device, row.method, *[None] * 8)
            continue
        bias, rmse, seconds = row.bias or 0.0, row.rmse or 0.0, row.seconds or 0.0
        table.add(
            name, study.device, row.method, study.two_qubit_gates, row.multiplier, row.circuits,
            seconds / (raw.seconds or 1.0), 100.0 * bias / abs(raw.bias or 1.0),
            100.0 * (row.mean_error or 0.0) / abs(raw.bias or 1.0), 100.0 * rmse / raw.rmse,
            (row.told_error or 0.0) / (np.std(row.values, ddof=1) or 1.0),
        )


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks mitigation", description=__doc__)
    parser.add_argument("--qubits", type=int, default=6)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--shots", type=int, default=4096)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--devices", nargs="+", default=DEVICES)
    parser.add_argument("--methods", nargs="+", default=(*METHODS, "symmetry+zne"))
    options = parser.parse_args(arguments)
    table = Table(
        "Error mitigation, raw = 100",
        [
            Column("instance", width=15), Column("device", width=31), Column("method", width=25),
            Column("2q gates", "d"), Column("shots x", ".2f"), Column("circuits", "d"),
            Column("time x", ".1f"), Column("bias %", ".0f"), Column("+- %", ".0f"),
            Column("RMSE %", ".0f"), Column("told / seen", ".2f"),
        ],
        notes=[
            f"seed {SEED}, p = {options.layers}, {options.shots} shots, {options.seeds} seeds; "
            "bias and its standard error in per cent of the raw bias, RMSE of the raw RMSE, "
            "against the noiseless mean of the same circuit; time in units of the raw one",
            "told / seen: the error bars that a method tells, over the spread of its values",
            "simulated noise is incoherent: twirling shows its own Paulis' errors alone, and "
            "dynamical decoupling, which needs slow noise on idle qubits, is left out; pec inverts "
            "the very model that is simulated; cvar is a bound, no estimate",
        ],
    ).begin()
    for problem, mixer in instances(options.qubits):
        for device in options.devices:
            study = mitigation(
                problem, device=device, p=options.layers, shots=options.shots,
                seeds=options.seeds, methods=tuple(dict.fromkeys(["none", *options.methods])),
                seed=SEED, mixer=mixer,
            )
            fill(table, problem.name, study)
            for line in study.notes:
                if line.startswith(("least RMSE", "no bias")):
                    table.find(f"{problem.name}, {device}: {line}")
    return [table]
