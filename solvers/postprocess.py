"""Classical post-processing of samples: repair of groups, and greedy descent.

What it makes of a sampler's answers is no merit of the sampler. It is therefore returned beside the
samples (`Outcome.improved`) and counted apart from them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Clock, Improved, Outcome, Progress, Status

Postprocess = Literal["none", "repair", "descent"]

PRECISION = 1e-12
"""Share of the largest change that a flip can make, below which a move counts as rounding."""

_AT_ONCE = 1 << 23
"""Coefficients of the rows that are worked on between two looks at the clock."""


def repair(model: Qubo, bits: ArrayLike) -> NDArray[np.int8]:
    """Make every exactly-k group hold, row by row, by as few flips as there are.

    A group with ``ones`` ones takes ``|ones - k|`` flips of its members. They are chosen greedily:
    of all flips that bring a broken group nearer, the one that changes the energy least upwards (or
    most downwards) at that moment, then the next; of equal ones the first in the order of groups
    and members. Rows that keep all groups stay as they are.

    Parameters
    ----------
    model : Qubo
    bits : array-like of 0 and 1, shape (rows, n)
        Bit ``i`` of a row is variable ``i``. Give each row once: equal rows are worked on again.

    Returns
    -------
    ndarray of int8, shape (rows, n)

    Raises
    ------
    UsageError
        Where rows have another number of bits than the model.
    """
    rows = _copied(model, bits)
    _Work(model).repair(rows)
    return rows


def descend(model: Qubo, bits: ArrayLike) -> NDArray[np.int8]:
    """Bring each row to a local minimum of the energy, by first-improvement descent.

    Moves are flips of bits in no group, and swaps of a one with a zero of the same group, so that a
    group keeps its number of ones. Bits are visited in order, again and again, until no move lowers
    the energy by more than `PRECISION` of the largest change that a flip can make: one row gives
    one result.

    Parameters
    ----------
    model : Qubo
    bits : array-like of 0 and 1, shape (rows, n)
        Bit ``i`` of a row is variable ``i``. Give each row once: equal rows are worked on again.

    Returns
    -------
    ndarray of int8, shape (rows, n)

    Raises
    ------
    UsageError
        Where rows have another number of bits than the model.
    """
    rows = _copied(model, bits)
    _Work(model).descend(rows)
    return rows


def precision(model: Qubo) -> float:
    """The fall in energy that a move of `descend` must exceed, in the model's units."""
    largest = np.abs(model.linear)
    for end in (model.row, model.col):
        np.add.at(largest, end, np.abs(model.value))
    return PRECISION * float(largest.max(initial=0.0))


def load() -> None:
    """Import and compile what post-processing needs: part of a solver's setup."""
    from qopt.forms import Group

    tiny = Qubo.from_matrix([[1.0, 1.0], [0.0, 1.0]])
    for model in (tiny, tiny.with_groups([Group((0, 1), 1)])):
        descend(model, repair(model, [[0, 0]]))


def improve(
    model: Any, outcome: Outcome, wished: Postprocess, clock: Clock, progress: Progress
) -> Outcome:
    """Post-process the distinct answers of a sampler, in the order in which they stand.

    The answers themselves are left as they are: what is made of them becomes `Outcome.improved`.

    Parameters
    ----------
    model : Qubo, Program or Routing
        Nothing is made of other answers than bits.
    outcome : Outcome
        Of the sampler, with `counts`.
    wished : {"none", "repair", "descent"}
        ``"repair"`` is `repair`, ``"descent"`` is `repair` and then `descend`.
    clock : Clock
        Of the run: rows that it leaves no time for are left out, and that is said.
    progress : Progress
        Is told of an answer that is better than every sample.

    Returns
    -------
    Outcome
    """
    if wished == "none" or not len(outcome.answers):
        return outcome
    if not isinstance(model, Qubo):
        return _because(outcome, f"postprocess={wished} left routes as they are: it acts on bits")
    if wished == "repair" and not model.groups:
        return _because(outcome, "postprocess=repair had nothing to do: the model has no groups")
    total = len(outcome.answers)
    with outcome.usage.phase("postprocess"):
        rows = np.asarray(outcome.answers, dtype=np.int8)
        made = _in_time(model, rows, wished, lambda: clock.expired or progress.stopping)
        if not len(made):
            return _because(outcome, "no time was left for post-processing")
        done = _with(model, outcome, rows[: len(made)], made, _method(model, wished))
        best = float(model.energies(made).min())
        if not outcome.status.has_answer or best < model.energy(rows[0]):
            progress.incumbent(best)
    if len(made) == total:
        return done
    left = f"time was left for post-processing {len(made)} of {total} different samples"
    return _because(done, left)


def _method(model: Qubo, wished: Postprocess) -> str:
    """What is done, in words."""
    parts = ["repair"] if model.groups else []
    return " and ".join([*parts, "descent"] if wished == "descent" else parts)


def _in_time(
    model: Qubo, rows: NDArray[np.int8], wished: Postprocess, over: Callable[[], bool]
) -> NDArray[np.int8]:
    """The first rows, post-processed: as many of them as there is time for."""
    work = _Work(model)
    rows = _copied(model, rows)
    step = max(1, _AT_ONCE // (1 + model.num_variables + model.num_interactions))
    for begin in range(0, len(rows), step):
        if over():
            return rows[:begin]
        part = rows[begin : begin + step]
        work.repair(part)
        if wished == "descent":
            work.descend(part)
    return rows


def _with(
    model: Qubo, outcome: Outcome, before: NDArray[np.int8], after: NDArray[np.int8], method: str
) -> Outcome:
    """The outcome with what was made of its first samples: all of it keeps the groups."""
    counts = np.ones(len(after), dtype=np.int64)
    if outcome.counts is not None:
        counts = outcome.counts[: len(after)]
    answers, which = np.unique(after, axis=0, return_inverse=True)
    total = np.zeros(len(answers), dtype=np.int64)
    np.add.at(total, which.reshape(-1), counts)
    order = np.argsort(model.energies(answers), kind="stable")
    return replace(
        outcome,
        status=outcome.status if outcome.status.has_answer else Status.FEASIBLE,
        improved=Improved(answers[order], total[order], method),
        details={
            **outcome.details, "postprocess": _facts(model, before, after, counts, method)
        },
    )


def _facts(
    model: Qubo,
    before: NDArray[np.int8],
    after: NDArray[np.int8],
    counts: NDArray[np.int64],
    method: str,
) -> dict[str, Any]:
    """What the record says of it; energies are by multiplicity, and include the penalties."""
    penalised = model.penalised()
    old, new = penalised.energies(before), penalised.energies(after)
    changed = (before != after).any(axis=1)
    return {
        "method": method,
        "distinct": len(before),
        "changed": int(changed.sum()),
        "samples": int(counts.sum()),
        "samples_changed": int(counts[changed].sum()),
        "mean_energy_before": float(np.average(old, weights=counts)),
        "mean_energy_after": float(np.average(new, weights=counts)),
        "best_energy_before": float(old.min()),
        "best_energy_after": float(new.min()),
    }


def _because(outcome: Outcome, words: str) -> Outcome:
    return replace(outcome, reason="; ".join(filter(None, [outcome.reason, words])))


def _copied(model: Qubo, bits: ArrayLike) -> NDArray[np.int8]:
    rows = np.array(np.atleast_2d(np.asarray(bits)), dtype=np.int8, order="C")
    if rows.shape[1] != model.num_variables:
        raise UsageError(
            f"rows have {rows.shape[1]} bits, the QUBO {model.num_variables}: give each variable "
            "one bit"
        )
    return rows


class _Work:
    """The kernels with a model's arrays; rows are changed in place."""

    def __init__(self, model: Qubo) -> None:
        groups = model.groups
        self.terms = (*model.neighbours(), model.linear)
        self.bounds = np.cumsum([0, *(len(group.members) for group in groups)], dtype=np.int64)
        self.members = np.array([i for group in groups for i in group.members], dtype=np.int64)
        self.sizes = np.array([group.size for group in groups], dtype=np.int64)
        self.free = np.setdiff1d(np.arange(model.num_variables), self.members)
        self.precision = precision(model)

    def repair(self, rows: NDArray[np.int8]) -> None:
        from . import postprocess_kernels

        postprocess_kernels.repair(*self.terms, self.bounds, self.members, self.sizes, rows)

    def descend(self, rows: NDArray[np.int8]) -> None:
        from . import postprocess_kernels

        postprocess_kernels.descend(
            *self.terms, self.bounds, self.members, self.free, self.precision, rows
        )
