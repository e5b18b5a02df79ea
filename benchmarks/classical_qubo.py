"""Classical QUBO solvers side by side: speed, quality in equal time, time to target, memory.

Everything that is returned is evaluated again in ways that share no code; a mismatch fails the
benchmark. Without paths the instances are generated; ``--full`` takes an hour and more.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import _qubo_memory, _qubo_quality, _qubo_speed, _qubo_target
from benchmarks._contenders import contenders
from benchmarks._instances import SHAPES, Instance, from_files, generated
from benchmarks._recount import Recount
from benchmarks._table import Table

SEED = 20_26
SECTIONS = ("speed", "quality", "target", "memory")

_SPARSE = ["graph 800, 6 %", "graph 2000, 1 %", "graph 5000, 0.1 %", "3-regular 10000"]
_QUICK = {
    "speed": [*_SPARSE[1:3], "QUBO 1000, 100 %"],
    "quality": ["graph 800, 6 %", "QUBO 500, 100 %"],
    "target": ["graph 800, 6 %", "QUBO 200, 100 %"],
    "memory": ["3-regular 100000", "QUBO 3000, 50 %"],
}
_FULL = {
    "speed": [
        *_SPARSE, "3-regular 100000", "QUBO 500, 100 %", "QUBO 1000, 100 %", "QUBO 3000, 50 %",
    ],
    "quality": [
        *_SPARSE, "QUBO 500, 100 %", "QUBO 1000, 10 %", "QUBO 1000, 100 %", "QUBO 3000, 50 %",
        "select 20 of 200",
    ],
    "target": [
        *_SPARSE, "QUBO 200, 100 %", "QUBO 500, 100 %", "QUBO 1000, 10 %", "QUBO 1000, 100 %",
        "QUBO 3000, 50 %",
    ],
    "memory": ["3-regular 100000", "QUBO 3000, 50 %"],
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks classical_qubo",
                                     description=__doc__)
    parser.add_argument("path", nargs="*", type=Path, help="instance files, or folders of them")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS,
                        help="all; speed, quality and target where paths are given")
    parser.add_argument("--full", action="store_true",
                        help="all shapes, 5 s a run, 10 seeds (instead of 0.2 s and 5)")
    parser.add_argument("--instances", nargs="+", choices=SHAPES, metavar="SHAPE",
                        help="generated instances, of "
                             + ", ".join(map(repr, SHAPES)).replace("%", "%%"))
    parser.add_argument("--only", nargs="+", metavar="NAME", help="solvers whose names begin so")
    parser.add_argument("--seconds", type=float, help="of a run")
    parser.add_argument("--seeds", type=int, help="runs of each solver on each instance")
    parser.add_argument("--threads", type=int, default=1,
                        help="of this project's solvers and simulated bifurcation; the others "
                             "have one")
    return parser


def main(arguments: Sequence[str] = ()) -> list[Table]:
    options = _parser().parse_args(arguments)
    sections = options.sections or [s for s in SECTIONS if s != "memory" or not options.path]
    seconds = options.seconds or (5.0 if options.full else 0.2)
    seeds = [SEED + k for k in range(options.seeds or (10 if options.full else 5))]
    able, told = contenders(options.only or [""])
    shapes = _FULL if options.full else _QUICK

    def instances(section: str) -> list[Instance]:
        if options.path:
            return list(from_files(options.path))
        return list(generated(options.instances or shapes[section], SEED))

    recount, tables = Recount(), []
    if "speed" in sections:
        tables.append(_qubo_speed.measure(instances("speed"), 5 if options.full else 3, SEED))
    trial = (seconds, seeds, options.threads)
    if "quality" in sections:
        tables += _qubo_quality.measure(able, instances("quality"), *trial, recount)
    if "target" in sections:
        tables += _qubo_target.measure(able, instances("target"), *trial, recount)
    if "memory" in sections:
        names = options.instances or shapes["memory"]
        tables.append(_qubo_memory.measure(able, names, min(seconds, 2.0), SEED))
    if told:
        tables[-1].find(told)
    if recount.samples:
        tables[-1].find(str(recount))
    return tables
