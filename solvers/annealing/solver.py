"""Simulated annealing as a solver: options, budget and outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Outcome, Progress, Status, Usage

from .opening import without_variables
from .schedule import check_betas


@dataclass(frozen=True, kw_only=True)
class SimulatedAnnealing:
    """Simulated annealing with single flips, and with swaps inside exactly-k groups.

    Every answer keeps every group, so the objective is minimised as it stands, without penalties.
    A sweep proposes one move for each variable (Metropolis' rule, variables in order); a read is
    one walk from hot to cold that ends in a local minimum. Sparse models without groups run
    sixteen reads side by side in vector lanes.

    Given answers to start from, every other batch of reads begins at them, half-way between hot
    and cold; the rest begins at random. Answers that break groups are mended first.

    Without `reads` and `sweeps`, rounds of reads follow each other with more and more sweeps
    until the budget is used; the last round takes most of it. The unit of ``budget.evaluations``
    is a proposal: reads times sweeps times variables. Without any budget the work is fixed, about
    a second for a model of ordinary size. Under an evaluation budget one seed gives one answer
    whatever the number of threads.

    Parameters
    ----------
    reads : int, optional
        Number of reads; the budget is spread over them. By default as many as the budget allows.
    sweeps : int, optional
        Sweeps of each read; under a budget, reads of so many sweeps follow each other until it is
        used. By default they grow from round to round.
    beta_min : float, optional
        Inverse temperature of the first sweep, in units of one over the model's energy. By default
        a quarter of the uphill moves from random states are accepted.
    beta_max : float, optional
        Inverse temperature of the last sweep. By default a local minimum is left by one move in a
        thousand.
    schedule : {"geometric", "linear", "adaptive"}
        Whether the inverse temperature grows by a constant factor, by a constant step, or at
        constant thermodynamic speed, measured by a quick walk at first (Salamon et al., Computer
        Physics Communications 49, 1988). Where a tenth of the budget is too little for that walk,
        the schedule is geometric, and the details say so.
    resample : bool, optional
        Whether, of the reads side by side, good ones take the place of poor ones as it gets colder,
        as in population annealing (Hukushima and Iba, 2003). By default they do unless `reads` is
        given: who asks for so many reads wants them independent.
    """

    reads: int | None = None
    sweeps: int | None = None
    beta_min: float | None = None
    beta_max: float | None = None
    schedule: Literal["geometric", "linear", "adaptive"] = "geometric"
    resample: bool | None = None

    def __post_init__(self) -> None:
        for name in ("reads", "sweeps"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise UsageError(f"{name} must be at least 1, got {count}")
        check_betas(self.beta_min, self.beta_max)
        if self.schedule not in ("geometric", "linear", "adaptive"):
            raise UsageError(
                f"schedule must be 'geometric', 'linear' or 'adaptive', got {self.schedule!r}"
            )

    @property
    def resamples(self) -> bool:
        """Whether reads give way to better ones, where they run side by side."""
        return self.reads is None if self.resample is None else self.resample

    def solve(
        self,
        model: Qubo,
        budget: Budget,
        seed: int,
        progress: Progress,
        *,
        start: Sequence[Any] = (),
    ) -> Outcome:
        """Anneal a QUBO; see `qopt.solver.Solver`.

        Returns
        -------
        Outcome
            Distinct answers of the reads, best first, each with the number of reads that ended
            there; no bound. ``usage.evaluations`` counts proposals.
        """
        if not model.num_variables:
            return without_variables(model, progress)
        usage = Usage()
        with usage.phase("setup"):
            from .layout import Layout
            from .reads import warm_up
            from .search import Search
            from .starts import feasible_starts

            layout = Layout.choose(model)
            warm_up(layout)
        clock = budget.start()
        with usage.phase("compile"):
            laid_out = layout.build(model)
            states = feasible_starts(model, start)
        with usage.phase("execute"):
            search = Search(
                self, layout, laid_out, model.offset, budget, clock, seed, progress, states
            )
            search.run()
        usage.evaluations = search.proposals
        answers, counts = search.pool.sorted()
        return Outcome(
            Status.FEASIBLE, answers, counts, usage=usage, details=search.details()
        )
