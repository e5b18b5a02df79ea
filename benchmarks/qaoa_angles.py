"""Angles of QAOA: what training=auto gives up against a long multistart, and what it saves."""

import argparse
from collections.abc import Iterator, Sequence

from benchmarks._instances import random_qubo, regular_graph, selection
from benchmarks._table import Column, Table
from qopt.forms import Qubo
from qopt.loading import load
from qopt.reduction import lower
from qopt.solvers.qaoa.angle_search import train
from qopt.solvers.qaoa.angles import Allowance, Training, default_evaluations
from qopt.solvers.qaoa.ansatz import Ansatz
from qopt.solvers.qaoa.mixers import Mixer
from qopt.solvers.qaoa.objective import Mean
from qopt.solvers.qaoa.simulate import open_simulator

SEED = 20_26
STARTS = 40

_BUNDLED = ("sp500-10-k4", "cubic-14", "dense-12", "grouped-12")
_MOST_GIVEN_UP = 1.0
_LARGEST_SHARE = 0.1


def bundled() -> Iterator[tuple[str, Qubo]]:
    """Small instances that ship with the project."""
    for name in _BUNDLED:
        _, lowering = lower(load(name), ["qubo"])
        yield name, lowering.model


def generated(seed: int) -> Iterator[tuple[str, Qubo]]:
    """Instances of the usual shapes."""
    yield "QUBO 12, 30 %", random_qubo(12, 0.3, seed)
    yield "QUBO 14, 25 %", random_qubo(14, 0.25, seed)
    yield "QUBO 12, 100 %", random_qubo(12, 1.0, seed)
    yield "3-regular 12", regular_graph(12, 3, seed)
    yield "3-regular 14", regular_graph(14, 3, seed)
    yield "select 3 of 8", selection(8, 3, seed)
    yield "select 4 of 10", selection(10, 4, seed)
    yield "select 5 of 12", selection(12, 5, seed)


class Trial:
    """Trains the angles of one instance in several ways.

    Parameters
    ----------
    qubo : Qubo
    mixer : str
        With ``x``, groups are penalised.
    """

    def __init__(self, qubo: Qubo, mixer: Mixer) -> None:
        self.simulator = open_simulator(Ansatz.of(qubo, mixer))
        diagonal = self.simulator.diagonal
        self.range = float(diagonal.mean() - diagonal.min())

    def run(self, layers: int, training: Training, restarts: int = 0) -> tuple[float, int]:
        """The mean reached, as a share of the range, and the evaluations that it took."""
        allowance = Allowance(default_evaluations(training, layers, restarts))
        trained = train(
            self.simulator, layers, Mean(), allowance,
            training=training, restarts=restarts, seed=SEED,
        )
        return -self.simulator.expectation(trained.angles) / self.range, trained.evaluations


def cases(
    instances: list[tuple[str, Qubo]], depths: Sequence[int]
) -> Iterator[tuple[str, Qubo, Mixer, int]]:
    """Every instance with every mixer that it allows, at every depth."""
    for name, qubo in instances:
        mixers: tuple[Mixer, ...] = ("x", "ring", "complete") if qubo.groups else ("x",)
        for mixer in mixers:
            for p in depths:
                yield name, qubo, mixer, p


def main(arguments: Sequence[str] = ()) -> list[Table]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks qaoa_angles", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the bundled instances, 1 to 4 layers")
    parser.add_argument("--instances", nargs="+", metavar="NAME", help="these of them alone")
    parser.add_argument("--depths", nargs="+", type=int, help="numbers of layers")
    parser.add_argument("--training", default="auto", help="what is compared with the multistart")
    parser.add_argument("--seed", type=int, default=SEED, help="of the generated instances")
    options = parser.parse_args(arguments)
    depths = options.depths or ((1, 2, 3, 4) if options.quick else (1, 2, 3, 4, 6, 8))
    way = options.training
    table = Table(
        f"training={way} against a multistart",
        [
            Column("instance", width=16), Column("mixer"), Column("p", "d", 2),
            Column("multistart", ".4f"), Column(way, ".4f"), Column("given up %", ".2f"),
            Column("evaluations", "d"), Column(f"by {way}", "d"), Column("ratio", ".3f"),
            Column("verdict"),
        ],
        notes=[
            f"seed {options.seed}; a multistart has {STARTS} starts",
            "energies as a share of the way from the mean of all states to the minimum (with "
            "penalties where mixer x needs them, so do not compare mixers)",
            f"evaluations: states that the multistart and {way} prepared; missed: over "
            f"{_MOST_GIVEN_UP:g} % given up, or over a tenth of the evaluations",
        ],
    ).begin()
    kept = 0
    instances = [*bundled(), *(() if options.quick else generated(options.seed))]
    if options.instances:
        instances = [(name, qubo) for name, qubo in instances if name in options.instances]
    for name, qubo, mixer, p in cases(instances, depths):
        trial = Trial(qubo, mixer)
        best, long = trial.run(p, "multistart", STARTS - 1)
        reached, short = trial.run(p, way)
        lost = 100.0 * (best - reached)
        good = lost <= _MOST_GIVEN_UP and short <= _LARGEST_SHARE * long
        kept += good
        table.add(
            name, mixer, p, best, reached, lost, long, short, short / long,
            "" if good else "missed",
        )
    table.find(f"within {_MOST_GIVEN_UP:g} % at no more than a tenth of the evaluations: "
               f"{kept} of {len(table.rows)}")
    return [table]
