"""Solvers of QUBOs side by side: this project's by name, and other libraries at their best.

What a library needs before it searches (converting the model, in every call) is measured apart and
not charged to it; what this project's solvers need is.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks._peers import PEERS
from benchmarks._runs import Contender, Run, Runner, Stopwatch
from qopt import registry
from qopt.errors import QoptError, UnknownNameError
from qopt.forms import Qubo
from qopt.solver import Budget, Progress

OURS = (
    "sa", "tabu", "path-relinking", "memetic", "tempering", "portfolio", "hybrid",
    "branch-and-bound",
)
"""This project's solvers that are measured, as far as they are registered."""


def contenders(only: Sequence[str] = ("",)) -> tuple[list[Contender], str]:
    """All that can be run here, and in words which cannot and why.

    Parameters
    ----------
    only : sequence of str
        Those whose names begin so.
    """
    able: list[Contender] = []
    left_out: dict[str, list[str]] = {}
    own = [Contender(name, partial(_own, name)) for name in OURS]
    for contender in (*own, *PEERS):
        if not contender.name.startswith(tuple(only)):
            continue
        reason = contender.missing or _unregistered(contender.name if contender in own else "")
        if reason:
            left_out.setdefault(reason, []).append(contender.name)
        else:
            able.append(contender)
    told = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in left_out.items())
    return able, f"left out: {told}" if told else ""


def _unregistered(name: str) -> str:
    try:
        if name:
            registry.find("solver", name)
    except UnknownNameError:
        return "no solver of that name is registered"
    return ""


def prepared(
    able: Sequence[Contender], section: str, qubo: Qubo, seconds: float, threads: int
) -> Iterator[tuple[str, Runner | str]]:
    """The contenders of a section, ready to run on a model, or why they cannot in words."""
    for contender in able:
        if section in contender.uses:
            yield contender.name, prepare(contender, qubo, seconds, threads)


def prepare(contender: Contender, qubo: Qubo, seconds: float, threads: int) -> Runner | str:
    """A contender ready to run, or why it cannot in words."""
    try:
        return contender.prepare(qubo, seconds, threads)
    except (QoptError, MemoryError) as refused:
        return f"{type(refused).__name__}: {refused}"


def _own(name: str, qubo: Qubo, seconds: float, threads: int) -> Runner:
    solver = registry.find("solver", name).load()()
    solver.solve(qubo, Budget(0.05, threads=threads), 0, Progress())  # machine code

    def run(seed: int) -> Run:
        progress, watch = Progress(), Stopwatch()
        outcome = solver.solve(qubo, Budget(seconds, threads=threads), seed, progress)
        wall, cpu = watch.read()
        samples = np.asarray(outcome.answers, dtype=np.int8).reshape(-1, qubo.num_variables)
        return Run(samples, trace=progress.trace.incumbents, wall=wall, cpu=cpu)

    return run
