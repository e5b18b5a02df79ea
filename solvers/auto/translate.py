"""Running a solver on the form that it takes, in the units of the model that was given."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from qopt.errors import UnsupportedError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.forms.penalise import program_to_qubo
from qopt.options import check_options
from qopt.registry import Spec, find
from qopt.run import parse_solver
from qopt.solver import Budget, Outcome, Progress


class _Translated(Progress):
    """Reports a lowered model's values in the units of the model that it was lowered from."""

    def __init__(self, outer: Progress, lowering: Lowering[Any]) -> None:
        super().__init__()
        self._outer, self._lowering = outer, lowering
        outer.on_stop(self.stop)

    def incumbent(self, objective: float) -> None:
        self._outer.incumbent(self._lowering.objective(objective))

    def bound(self, value: float) -> None:
        if self._lowering.complete:
            self._outer.bound(self._lowering.objective(value))

    def step(self, done: float | None, note: str = "") -> None:
        self._outer.step(done, note)


def run_solver(
    text: str, model: Form, budget: Budget, seed: int, progress: Progress, start: Sequence[Any]
) -> Outcome:
    """One solver on the model, or on the program or QUBO that it equals.

    Parameters
    ----------
    text : str
        A solver's name with its options.
    model : Form
    budget : Budget
    seed : int
    progress : Progress
    start : sequence
        Answers of the model to start from, best first, for solvers that take them.

    Raises
    ------
    MissingPackageError, SizeError, UnsupportedError
        Where the solver is not installed or refuses the model.
    """
    name, given = parse_solver(text)
    spec = find("solver", name)
    target = spec.load()
    solver = target(**check_options(target, given, f"solver {name!r}"))
    lowering = _lowered(model, spec)
    if lowering is None:
        return _call(solver, spec, model, budget, seed, progress, start)
    if start and lowering.encode is not None:
        start = [lowering.encode(answer) for answer in start]
    else:
        start = ()
    inner = _Translated(progress, lowering)
    outcome = _call(solver, spec, lowering.model, budget, seed, inner, start)
    if len(outcome.answers):
        answers = [lowering.decode(x) for x in outcome.answers]
        dtype = np.int8 if isinstance(model, Qubo) else np.float64
        outcome.answers = np.array(answers, dtype=dtype)
    if outcome.bound is not None:
        outcome.bound = lowering.objective(outcome.bound) if lowering.complete else None
    return outcome


def _lowered(model: Form, spec: Spec) -> Lowering[Any] | None:
    """The model in a form that the solver takes; None where it takes the model itself."""
    if isinstance(model, Qubo) and "qubo" not in spec.forms:
        return model.to_program()
    if isinstance(model, Program) and "program" not in spec.forms:
        return program_to_qubo(model)
    form = type(model).__name__.lower()
    if form not in spec.forms:
        raise UnsupportedError(f"{spec.name} solves {' and '.join(spec.forms)}, no {form}")
    return None


def _call(
    solver: Any, spec: Spec, model: Form, budget: Budget, seed: int, progress: Progress,
    start: Sequence[Any],
) -> Outcome:
    call = solver.solve
    if spec.starts and len(start):
        call = partial(call, start=list(start))
    outcome: Outcome = call(model, budget, seed, progress)
    return outcome
