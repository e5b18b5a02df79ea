"""How a search of a QUBO begins and ends: its phases, its account, its outcome.

Import what is compiled only when solving.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress, Status, Usage

if TYPE_CHECKING:
    from .account import Account
    from .layout import Layout


def without_variables(qubo: Qubo, progress: Progress) -> Outcome:
    """What a search of a QUBO without variables comes to: the one answer that there is."""
    progress.incumbent(qubo.offset)
    return Outcome(Status.FEASIBLE, np.zeros((1, 0), dtype=np.int8))


def search_on_account(
    qubo: Qubo,
    budget: Budget,
    seed: int,
    progress: Progress,
    start: Sequence[Any],
    warm_up: Callable[["Layout"], None],
    search: Callable[["Account"], dict[str, Any]],
) -> Outcome:
    """Lay a QUBO out and search it.

    Parameters
    ----------
    qubo : Qubo
    budget, seed, progress, start
        As `qopt.solver.Solver.solve` has them.
    warm_up : callable
        Compiles, or loads from the cache on disk, what a layout needs.
    search : callable
        Spends the account, and gives the outcome's details.

    Returns
    -------
    Outcome
        Distinct answers, best first; no bound. ``usage.evaluations`` counts proposals.
    """
    if not qubo.num_variables:
        return without_variables(qubo, progress)
    usage = Usage()
    with usage.phase("setup"):
        from .account import Account
        from .layout import Layout

        layout = Layout.choose(qubo)
        warm_up(layout)
    clock = budget.start()
    with usage.phase("compile"):
        model = layout.build(qubo)
    with usage.phase("execute"):
        account = Account(qubo, layout, model, budget, clock, seed, progress, start)
        details = search(account)
        answers, counts = account.answers()
    usage.evaluations = account.proposals
    return Outcome(Status.FEASIBLE, answers, counts, usage=usage, details=details)
