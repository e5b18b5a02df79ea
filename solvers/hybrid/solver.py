"""The decomposing hybrid as a solver: options, budget and outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from qopt.errors import UnknownNameError, UsageError
from qopt.forms import Qubo
from qopt.registry import find
from qopt.solver import Budget, Outcome, Progress, Status, Usage

from ..subsolver import ablations_of, open_subsolver

Choose = Literal["auto", "impact", "graph", "groups", "random"]
Between = Literal["tabu", "descent", "none"]

SMALLEST = 2
"""Variables of the smallest subproblem: a swap takes two."""


@dataclass(frozen=True, kw_only=True)
class Hybrid:
    """Solves a large QUBO by subproblems of at most `size` variables, one after the other.

    A subproblem opens some variables and leaves all others as the best answer so far has them: what
    they contribute goes into its linear terms. The subsolver's best answer takes the place of the
    old one where it is no worse; equal ones are taken, too, so that the search does not stand
    still. Groups are kept: the open members of one are a group with as many ones as they have now.
    Between subproblems a classical search improves the whole answer (Booth, Reinhardt and Roy,
    "Partitioning optimization problems for hybrid classical/quantum execution", D-Wave technical
    report 14-1006A, 2017).

    With ``subsolver=none`` the loop is the same without subproblems: what the search between them
    finds by itself; a descent alone finds nothing after its first local minimum. With
    ``subsolver=exact`` each subproblem's optimum is taken. These are the ablations by which a
    subsolver is to be judged, and ``qopt compare`` runs them beside it.

    A unit of ``Budget.evaluations`` is a subproblem; without a budget there are 100. There is a
    bound only where one subproblem is the whole model and its solver gives one.

    What the subsolver uses is in the run's ledger: shots, circuits and seconds are added up;
    qubits and depths are those of the largest circuit, gates a mean over the shots.

    Parameters
    ----------
    size : int
        Largest number of variables of a subproblem, and so of qubits; at least 2.
    subsolver : str
        A solver of QUBOs with its options, in brackets where there are several: ``exact``, ``sa``,
        ``qaoa:p=2``, ``[qaoa:p=2,device=aer:torino]``; or ``none``.
    choose : {"auto", "impact", "graph", "groups", "random"}
        Which variables a subproblem opens: those whose flips change the energy most, a part of the
        model's graph that hangs together, whole groups, or random ones. Auto takes whole groups
        where a subproblem has room for several, and else parts of the graph.
    between : {"tabu", "descent", "none"}
        What improves the whole answer between subproblems: a descent after each that moved
        something; for ``tabu`` also a tabu search before every tenth, on one thread; or nothing.
    """

    size: int = 20
    subsolver: str = "exact"
    choose: Choose = "auto"
    between: Between = "tabu"
    inner: Any = field(init=False, repr=False, default=None)
    tabu: Any = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise UsageError(f"size must be at least {SMALLEST} variables, got {self.size}")
        for name, allowed in (("choose", get_args(Choose)), ("between", get_args(Between))):
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} must be {', '.join(allowed[:-1])} or {allowed[-1]}, got "
                    f"{getattr(self, name)!r}"
                )
        object.__setattr__(self, "inner", open_subsolver(self.subsolver))
        if self.between == "tabu":
            object.__setattr__(self, "tabu", _open_tabu())

    def ablations(self) -> tuple[dict[str, Any], ...]:
        """Options of the runs that a comparison sets beside one with this subsolver."""
        return ablations_of(self.subsolver)

    def solve(
        self,
        model: Qubo,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Solve one QUBO; see `qopt.solver.Solver`.

        The best one of `start`, groups that it breaks being repaired, is what is improved.

        Returns
        -------
        Outcome
            One answer, the best that was met.

        Raises
        ------
        UsageError
            For ``choose=groups`` where no group leaves a choice, and for wrong answers to start
            from.
        SizeError
            Where the subsolver takes none of the subproblems.
        """
        usage = Usage()
        if not model.num_variables:
            progress.incumbent(model.offset)
            return Outcome(Status.FEASIBLE, np.zeros((1, 0), dtype=np.int8), usage=usage)
        with usage.phase("setup"):
            from .search import Search, warm_up

            layout = warm_up(model)
        search = Search(self, model, layout, budget, budget.start(), seed, progress, usage)
        search.begin(start)
        search.run()
        return search.outcome()


def _open_tabu() -> Any:
    """The registered tabu search, which starts from an answer."""
    try:
        spec = find("solver", "tabu")
    except UnknownNameError:
        raise UsageError(
            "between=tabu needs the solver 'tabu', which is not installed; take descent or none"
        ) from None
    return spec.load()()
