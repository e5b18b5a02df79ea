"""Lowerings against a list of every answer of a small instance."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import qopt
from qopt import registry
from qopt.forms import FORMS, Program, Table
from qopt.reduction import lower

MOST_BITS = 14
"""Bits up to which every string is looked at."""


def partitions(items: int) -> list[NDArray[np.int64]]:
    """Every way to part the items, as labels that are numbered by their first appearance."""
    found: list[list[int]] = [[]]
    for _ in range(items):
        found = [[*labels, k] for labels in found for k in range(max(labels, default=-1) + 2)]
    return [np.array(labels) for labels in found]


def best_of(problem: Any, answers: Iterable[Any]) -> float | None:
    """The best objective of a feasible answer, or None where there is none."""
    scores = [problem.score(answer) for answer in answers]
    values = [score.objective for score in scores if score.feasible]
    return (max if problem.sense == "maximise" else min)(values, default=None)


def check_lowerings(
    problem: Any, answers: list[Any], expressible: Callable[[Any], bool] = lambda _: True
) -> None:
    """Objectives are kept, optima are those of `answers`, and nothing infeasible lies below.

    `answers` are all answers, or enough that a best one is among them.
    """
    best = best_of(problem, answers)
    feasible = [a for a in answers if problem.score(a).feasible and expressible(a)]
    for form in registry.find("problem", problem.kind).forms:
        lowering = problem.lower(FORMS[form])
        for answer in feasible[:200]:
            _check_answer(problem, lowering, answer)
    if best is None:
        assert qopt.solve(problem, "cpsat").status == "proven_infeasible"
        return
    solution = qopt.solve(problem, "cpsat")
    assert (solution.status, solution.objective) == ("optimal", pytest.approx(best, abs=1e-9))
    _check_every_string(problem, best)


def _check_answer(problem: Any, lowering: Any, answer: Any) -> None:
    model, x = lowering.model, lowering.encode(answer)
    if isinstance(model, Program):
        value = model.objective(x)
        assert not model.violations(x)
    else:
        value = model.energy(x)
        assert isinstance(model, Table) or not model.group_violations(x)[0]
    score = problem.score(answer)
    assert lowering.objective(value) == pytest.approx(score.objective, abs=1e-9)
    assert problem.score(lowering.decode(x)) == score


def _check_every_string(problem: Any, best: float) -> None:
    """Every string as good as the optimum decodes to an optimum, and none is better."""
    _, lowering = lower(problem, ["qubo"])
    n = lowering.model.num_variables
    if n > MOST_BITS:
        return
    strings = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    sign = 1.0 if problem.sense == "minimise" else -1.0
    energies = lowering.scale * lowering.model.penalised().energies(strings) + lowering.offset
    slack = 1e-7 * max(1.0, abs(best))
    assert (sign * energies).min() == pytest.approx(sign * best, abs=slack)
    for x in strings[sign * energies <= sign * best + slack]:
        score = problem.score(lowering.decode(x))
        assert score.feasible
        assert score.objective == pytest.approx(best, abs=slack)
