"""Exact presolve: the rules in turn, until none applies."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lowering import Lowering
from ..qubo import Qubo
from . import components, duplicates, groups, pairs, roof, screen, single
from .lifting import Lifting
from .report import Reduction
from .state import State, is_precise

MOST_PAIRS = 600_000
"""Pairs up to which a model is taken apart variable by variable; of larger ones only bounds of
fields are looked at."""


_PER_TERM, _PER_PAIR = 8e-6, 1e-7
"""Seconds for each variable and pair of a model that is taken apart, and for each pair of one that
is too large for that, at the pace of a slow core."""


def expected_seconds(qubo: Qubo) -> float:
    """About the most that `reduce_qubo` takes, by the size of the model."""
    pairs = qubo.num_interactions
    return (
        _PER_TERM * (qubo.num_variables + pairs) if pairs <= MOST_PAIRS else _PER_PAIR * pairs
    )


def reduce_qubo(qubo: Qubo, *, stop: Callable[[], bool] | None = None) -> Lowering[Qubo]:
    """Remove variables whose best values follow from the others', without any search.

    Every answer of the reduced model that keeps its groups decodes to an answer of the whole one
    that keeps its groups and has the same energy, and among the optima of the whole model one is
    always left. Whole coefficients stay whole. A model whose small coefficients might be lost
    beside large ones (`state.is_precise`) is left as it is.

    Parameters
    ----------
    qubo : Qubo
    stop : callable, optional
        Whether to end with what has been done; looked at after every variable.

    Returns
    -------
    Lowering
        To the reduced model; ``reduction`` says what was removed. Answers are int8 arrays of shape
        (n,); ``decode_many`` takes arrays of shape (answers, left). An answer of the whole model is
        encoded by leaving bits out, and mending groups that this breaks: the energy may change
        where it is no best one.
    """
    begun = time.perf_counter()
    steady = stop or (lambda: False)
    model, first = qubo, None
    removed: Counter[str] = Counter()
    if steady() or not is_precise(qubo):
        return _lowering(qubo, qubo, [], Reduction(qubo.num_variables))
    if qubo.num_interactions > MOST_PAIRS:
        model, first = screen.fix_by_bounds(qubo)
        removed["persistency"] += len(first.steps)
    second = None
    if model.num_interactions <= MOST_PAIRS:
        start = screen.promising(model)
        if _worth_while(model, start):
            state = State(model, steady)
            state.touch_all(_in_order(model, start))
            _run(state)
            removed += state.removed
            model, second = state.result() if state.removed or state.rewritten else (model, None)
    liftings = [lifting for lifting in (first, second) if lifting is not None]
    report = Reduction(
        qubo.num_variables, {rule: count for rule, count in removed.items() if count},
        time.perf_counter() - begun, qubo.answer_bits, model.answer_bits,
    )
    return _lowering(qubo, model, liftings, report)


def _worth_while(qubo: Qubo, start: NDArray[np.int64]) -> bool:
    """Whether any rule may apply."""
    return bool(
        len(start) or qubo.groups or qubo.num_interactions <= roof.MOST_PAIRS
        or screen.has_duplicates(qubo) or screen.has_parts(qubo)
    )


def _in_order(qubo: Qubo, start: NDArray[np.int64]) -> list[int]:
    """What is looked at first: those with few neighbours, whose removal helps the others."""
    n = qubo.num_variables
    looked_at = np.arange(n) if qubo.groups else start
    degree = np.bincount(qubo.row, minlength=n) + np.bincount(qubo.col, minlength=n)
    ordered: list[int] = looked_at[np.argsort(degree[looked_at], kind="stable")].tolist()
    return ordered


def _run(state: State) -> None:
    """Apply every rule until none changes anything."""
    while not state.stop():
        while (i := state.next()) is not None:
            if not single.decide(state, i):
                pairs.tie(state, i)
        for rule in (groups.simplify, duplicates.merge_duplicates, roof.fix_by_roof_duality):
            if not state.pending and not state.stop():
                rule(state)
        if not state.pending:
            components.solve_components(state)
            return


def _lowering(
    qubo: Qubo, model: Qubo, liftings: list[Lifting], report: Reduction
) -> Lowering[Qubo]:
    def decode(answers: Any) -> Any:
        bits = np.asarray(answers)
        for lifting in reversed(liftings):
            bits = lifting.lift(bits)
        return bits.astype(np.int8)

    def encode(answer: Any) -> Any:
        bits = np.asarray(answer)
        for lifting in liftings:
            bits = lifting.restrict(bits)
        return _mended(model, bits.astype(np.int8))

    return Lowering(
        model, decode=decode, encode=encode, decode_many=decode,
        notes=(str(report),) if report.total else (), caveats=report.caveats, reduction=report,
    )


def _mended(model: Qubo, bits: NDArray[np.int8]) -> NDArray[np.int8]:
    """An answer that keeps its groups: members that presolve set to zero are exchanged for others.

    Groups that were not kept before are mended, too; the exchange goes by linear coefficients.
    """
    for group in model.groups:
        members = np.array(group.members, dtype=np.int64)
        excess = int(bits[members].sum()) - group.size
        if excess:
            movable = members[bits[members] == (excess > 0)]
            order = np.argsort(model.linear[movable] * (-1 if excess > 0 else 1), kind="stable")
            bits[movable[order[: abs(excess)]]] ^= 1
    return bits
