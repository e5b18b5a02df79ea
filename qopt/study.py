"""A study: instances by solvers by seeds under one budget, and the verb `compare`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from . import registry
from .comparison import Comparison
from .errors import (
    EXIT_INTERRUPTED,
    EXIT_NO_FEASIBLE_ANSWER,
    EXIT_PROVEN_INFEASIBLE,
    MissingPackageError,
    UsageError,
)
from .limits import Limits
from .loading import as_problem, load
from .numbers import join
from .options import check_options
from .pricing import PriceList, currency_of, price_list
from .problem import Problem, fingerprint
from .record import Record, solver_label
from .reduction import has_way, native_forms, own_options
from .run import Task, collect, parse_solver, timestamp
from .solver import Budget, Progress, Status
from .store import SqliteStore, Store

DEFAULT_SOLVERS = (
    "cpsat", "milp", "branch-and-bound", "portfolio", "pyvrp", "qaoa", "random",
)
"""The strongest exact solvers and heuristics for programs, QUBOs and routes, QAOA, and the floor.

A quantum solver's rival is the best of them: on each form one is strong where another is weak.
"""

DEFAULT_SECONDS = 10.0
"""Time limit of each run of the default line-up where no budget is given: its exact solvers would
search on to a proof."""

_WORDS = {"qubo": "QUBOs", "program": "programs", "routing": "routes"}

MOST_RUNS = 100_000
"""Runs of one comparison: all of them are planned, and their records held, at once."""


@dataclass
class Study:
    """What to run, planned before anything runs.

    Parameters
    ----------
    problems : iterable of Problem, Qubo, Program or path
        Instances; two of them may share a name only if they are the same instance.
    solvers : iterable of str, optional
        Names with options: ``"qaoa:p=2"``. A solver that no form links to a problem is left out
        for that problem, one whose library or device's library is not installed is left out of
        all, and `left_out` says so; one that refuses the model's size is run and recorded as
        unsupported. The ablations of a hybrid solver are added, and `added` says so. Left out:
        `DEFAULT_SOLVERS`, for `DEFAULT_SECONDS` a run where no budget is given.
    seeds : iterable of int
        A solver that its seed does not change runs with the first one only.
    time_limit : float, optional
    evaluations : int, optional
    threads : int
    max_cost : str or float, optional
        What each run may cost: ``"5USD"``. One that would exceed a limit is recorded as
        unsupported, as one whose model is too large (`qopt.limits`).
    max_shots : int, optional
        Shots that each run may take.
    prices : PriceList, optional
        Holds the runs to `max_cost` and bills them, instead of the bundled list.

    Raises
    ------
    UsageError
        Where there are no problems, solvers or seeds, more than 100 000 runs, or a solver, option
        or name clashes.
    MissingPackageError
        Where nothing can run for want of a library.
    """

    problems: Iterable[Any]
    solvers: Iterable[str] | None = None
    seeds: Iterable[int] = range(5)
    time_limit: float | None = None
    evaluations: int | None = None
    threads: int = 1
    max_cost: str | float | None = None
    max_shots: int | None = None
    prices: PriceList | None = None
    tasks: list[Task] = field(init=False, repr=False)
    left_out: list[str] = field(init=False, repr=False)
    added: list[str] = field(init=False, repr=False)
    records: list[Record] = field(init=False, repr=False, default_factory=list)
    interrupted: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        problems = [load(p) if isinstance(p, str | Path) else as_problem(p) for p in self.problems]
        if not isinstance(self.seeds, Iterable):
            raise UsageError(f"seeds are whole numbers such as range(5), got {self.seeds!r}")
        default = self.solvers is None
        solvers = list(DEFAULT_SOLVERS if self.solvers is None else dict.fromkeys(self.solvers))
        seeds = list(dict.fromkeys(islice(self.seeds, MOST_RUNS + 1)))
        for what, items in (("problem", problems), ("solver", solvers), ("seed", seeds)):
            if not items:
                raise UsageError(f"a comparison needs at least one {what}")
        if len(problems) * len(solvers) * len(seeds) > MOST_RUNS:
            raise UsageError(
                f"a comparison takes at most {MOST_RUNS} runs, instances by solvers by seeds; "
                "take fewer seeds, or make several comparisons"
            )
        _check_names(problems)
        solvers, self.added = with_ablations(solvers)
        if default and self.time_limit is None and self.evaluations is None:
            self.time_limit = DEFAULT_SECONDS
            self.added.append(f"no budget was given: {DEFAULT_SECONDS:g} s a run")
        budget = Budget(self.time_limit, self.evaluations, self.threads)
        self._limits = Limits.of(self.max_cost, self.max_shots, self.prices)
        self.tasks, self.left_out = [], []
        missing: list[MissingPackageError] = []
        for problem in problems:
            for text in solvers:
                try:
                    self._plan(problem, text, seeds, budget)
                except MissingPackageError as fault:
                    missing.append(fault)
                    self.left_out.append(f"{text} is left out: {fault}")
        if missing and not self.tasks:
            raise missing[0]
        self.left_out = list(dict.fromkeys(self.left_out))

    def _plan(self, problem: Problem, text: str, seeds: Sequence[int], budget: Budget) -> None:
        name, options = parse_solver(text)
        spec = registry.find("solver", name)
        if not has_way(problem, spec.forms):
            self.left_out.append(
                f"{text} does not take {problem.name}: it solves "
                f"{join((_WORDS[form] for form in spec.forms), 'or')}, and {problem.kind} gives "
                f"{join((_WORDS[form] for form in native_forms(problem)), 'or')}"
            )
            return
        tasks = [
            Task(problem, name, options, seed, budget, limits=self._limits)
            for seed in (seeds if spec.stochastic else seeds[:1])
        ]
        _check_device(tasks[0])
        self.tasks += tasks

    def run(
        self,
        *,
        store: Store | None = None,
        prices: PriceList | None = None,
        begin: Callable[[str], None] | None = None,
        listener: Callable[[Progress], None] | None = None,
    ) -> Comparison:
        """Run what the store does not hold, and compare everything.

        A Ctrl-C ends the run in progress, keeps its best answer and leaves the rest out;
        `interrupted` tells.

        Parameters
        ----------
        store : Store, optional
            Keeps the records.
        prices : PriceList, optional
            Bills every run by this list instead of the one of its time; that of the study if left
            out.
        begin : callable, optional
            Called with a title when a run begins.
        listener : callable, optional
            Called on every report of a run.
        """

        def listen(task: Task, progress: Progress | None) -> None:
            if progress is not None:
                if listener is not None:
                    listener(progress)
            elif begin is not None:
                begin(f"{task.problem.name} by {task.label}, seed {task.seed}")

        prices = prices or self.prices
        self._check_currencies(prices or price_list())
        self.records = []
        self.interrupted = False
        begun = timestamp()
        try:
            for record in collect(self.tasks, store=store, listener=listen):
                self.records.append(record)
        except KeyboardInterrupt:
            self.interrupted = True
        notes = [*self.added, *self.left_out]
        if kept := sum(record.started < begun for record in self.records):
            notes.append(f"{kept} of {len(self.records)} runs were in the store already")
        if self.interrupted:
            notes.append(f"interrupted: {len(self.records)} of {len(self.tasks)} runs are done")
        return Comparison(self.records, notes=tuple(notes), prices=prices)

    def _check_currencies(self, prices: PriceList) -> None:
        """Refuse tariffs that no bill could add up, before anything runs."""
        devices = {str(task.options["device"]) for task in self.tasks if "device" in task.options}
        tariffs = [price for name in ("processor", *devices) for price in prices.tariff(name)]
        currency_of([{"currency": price.currency} for price in tariffs])

    @property
    def exit_code(self) -> int:
        """0 where every instance has a feasible answer, else the documented code."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        answered = {r.instance.sha256 for r in self.records if r.feasible}
        asked = {r.instance.sha256 for r in self.records}
        if answered == asked:
            return 0
        infeasible = {
            r.instance.sha256 for r in self.records if r.status is Status.PROVEN_INFEASIBLE
        }
        if asked - answered <= infeasible:
            return EXIT_PROVEN_INFEASIBLE
        return EXIT_NO_FEASIBLE_ANSWER


def _check_device(task: Task) -> None:
    """Refuse a device whose family's library is not installed, before anything runs.

    Raises
    ------
    MissingPackageError
    """
    family = str(task.options.get("device", "")).partition(":")[0]
    for spec in registry.available("device"):
        if spec.name == family and (missing := spec.missing()):
            what = f"device {task.options['device']!r}"
            raise MissingPackageError(what, missing, spec.install)


def with_ablations(solvers: Sequence[str]) -> tuple[list[str], list[str]]:
    """A line-up with the ablations of its hybrid solvers, and what was added, in words.

    A hybrid solver has a method ``ablations()``: for each ablation, the options in which it departs
    from the solver itself. One that is in the line-up already is not added again.
    """
    line_up, notes = list(solvers), []
    present = {_labelled(text) for text in solvers}
    for text in solvers:
        name, options = parse_solver(text)
        own = own_options(options)
        spec = registry.find("solver", name)
        if spec.missing() or not hasattr(solver_class := spec.load(), "ablations"):
            continue
        solver = solver_class(**check_options(solver_class, own, f"solver {name!r}"))
        more = [_labelled(solver_label(name, {**options, **a})) for a in solver.ablations()]
        more = [label for label in more if label not in present]
        if more:
            line_up += more
            present.update(more)
            notes.append(f"added as what {text} is to be judged by: {join(more)}")
    return line_up, notes


def _labelled(text: str) -> str:
    """A solver's text with its options in one order."""
    return solver_label(*parse_solver(text))


def compare(
    problems: Any,
    solvers: Iterable[str] | str | None = None,
    *,
    seeds: Iterable[int] = range(5),
    time_limit: float | None = None,
    evaluations: int | None = None,
    threads: int = 1,
    max_cost: str | float | None = None,
    max_shots: int | None = None,
    store: Store | str | Path | None = None,
    listener: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Run every solver on every instance with every seed, and compare.

    Parameters
    ----------
    problems : Problem, path, or iterable of them
    solvers : str or iterable of str, optional
        Names with options: ``["sa", "cpsat", "qaoa:p=2"]``; `DEFAULT_SOLVERS` if left out.
    seeds : iterable of int
    time_limit : float, optional
        Wall seconds for the search of each run: the same for every solver.
    evaluations : int, optional
        Deterministic budget in each solver's own unit.
    threads : int
    max_cost : str or float, optional
        What each run may cost: ``"5USD"``, or a number in the price list's currency.
    max_shots : int, optional
        Shots that each run may take.
    store : Store or path, optional
        Keeps the records; what it holds is not run again.
    listener : callable, optional
        Called with the `Progress` on every report of a run.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        Where there is nothing to run, or a name or option is wrong.
    MissingPackageError
        Where nothing can run for want of a library.
    """
    many = list(problems) if isinstance(problems, list | tuple | Iterator) else [problems]
    names = [solvers] if isinstance(solvers, str) else solvers
    study = Study(many, names, seeds, time_limit, evaluations, threads, max_cost, max_shots)
    if not isinstance(store, str | Path):
        return study.run(store=store, listener=listener)
    with SqliteStore(store) as opened:
        return study.run(store=opened, listener=listener)


def _check_names(problems: Sequence[Problem]) -> None:
    """Two instances under one name would share a table."""
    seen: dict[str, str] = {}
    for problem in problems:
        digest = fingerprint(problem)
        if seen.setdefault(problem.name, digest) != digest:
            raise UsageError(
                f"two different instances are called {problem.name!r}; name one of them in a TOML "
                "instance file (name = ...)"
            )
