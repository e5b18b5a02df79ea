"""Running one task, or a grid of them: lower, solve, decode, score, record."""

import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from . import registry
from .errors import (
    MissingPackageError,
    QoptError,
    SizeError,
    SolverError,
    UnsupportedError,
    UsageError,
)
from .forms import FORMS, Lowering, Program, Qubo
from .forms.penalise import program_to_qubo
from .load import Origin, as_problem, load, origin_of
from .options import check_options, options_of, split_assignments
from .pricing import charge, price_list
from .problem import Problem, Score, fingerprint
from .record import InstanceFacts, Record, content_key, environment, solver_label
from .solver import Budget, Outcome, Progress, Status, Usage
from .store import Store

__all__ = ["Solution", "Task", "collect", "execute", "load", "lower", "solve"]

Listener = Callable[[Progress], None]

MOST_SCORED = 20_000
"""Distinct answers of one run that are decoded and scored, best first by the solver's measure."""

TOLERANCE = 1e-9
"""Relative distance within which an objective has reached a bound."""


@dataclass(frozen=True)
class Task:
    """One cell of a grid: an instance, a solver with its options, a seed and a budget.

    Parameters
    ----------
    problem : Problem
    solver : str
        Name in the registry.
    options : mapping
        Options of the solver; text is parsed. ``form`` and ``lower.NAME`` among them choose the
        form that the solver is given and the options of its lowering.
    seed : int
        At least 0, below 2**31.
    budget : Budget

    Raises
    ------
    UsageError
        For an unknown solver or option, a value that does not fit, or a seed out of range.
    """

    problem: Problem
    solver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**31:
            raise UsageError(f"seed must be between 0 and {2**31 - 1}, got {self.seed}")
        form = self.options.get("form")
        if form is not None and form not in FORMS:
            raise UsageError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        own = {
            name: value
            for name, value in self.options.items()
            if name != "form" and not name.startswith("lower.")
        }
        spec = self.spec
        if form is not None and form not in spec.forms:
            raise UsageError(
                f"solver {self.solver!r} takes {' or '.join(spec.forms)}, not form={form}"
            )
        object.__setattr__(
            self, "solver_options", check_options(spec.load(), own, f"solver {self.solver!r}")
        )
        given = {name: self.options[name] for name in self.options if name not in own}
        object.__setattr__(self, "options", {**given, **self.solver_options})

    solver_options: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    @cached_property
    def spec(self) -> registry.Spec:
        """The solver's spec."""
        return registry.find("solver", self.solver)

    @property
    def form(self) -> str | None:
        """The form asked for; None leaves the choice to the specs."""
        return self.options.get("form")

    @property
    def lowering_options(self) -> dict[str, Any]:
        """Options for the problem's lowering."""
        return {
            name.removeprefix("lower."): value
            for name, value in self.options.items()
            if name.startswith("lower.")
        }

    @property
    def label(self) -> str:
        """Solver with its options, as comparisons show it."""
        return solver_label(self.solver, self.options)

    @cached_property
    def preimage(self) -> dict[str, Any]:
        """What the key is the hash of: everything that decides the answer."""
        defaults = {
            name: option.default
            for name, option in options_of(self.spec.load()).items()
            if not option.required
        }
        return {
            "instance": fingerprint(self.problem),
            "solver": self.solver,
            "version": solver_version(self.spec),
            "options": _jsonable({**defaults, **self.options}),
            "seed": self.seed,
            "budget": asdict(self.budget),
        }

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of `preimage`."""
        return content_key(self.preimage)


@dataclass(frozen=True)
class Solution:
    """The best answer of one run, scored by the problem itself.

    Parameters
    ----------
    problem : Problem
    answer : object
        In the problem's own terms; None where the run ended without any.
    score : Score or None
        Objective and violations of `answer`.
    record : Record
        The whole run: status, bound, samples, trace, usage, money, environment.
    """

    problem: Problem
    answer: Any
    score: Score | None
    record: Record

    @property
    def status(self) -> Status:
        """What is known at the end of the run."""
        return self.record.status

    @property
    def objective(self) -> float | None:
        """Objective of the answer in the problem's units."""
        return self.record.objective

    @property
    def feasible(self) -> bool:
        """Whether the answer keeps every constraint."""
        return self.record.feasible

    @property
    def bound(self) -> float | None:
        """Proven bound: no feasible answer is better."""
        return self.record.bound

    @property
    def gap(self) -> float | None:
        """Relative distance of a feasible objective from the bound: 0.01 is 1 %.

        None without a bound, or where the bound is 0 and the objective is not.
        """
        if self.bound is None or self.objective is None or not self.feasible:
            return None
        distance = abs(self.objective - self.bound)
        if distance <= TOLERANCE * abs(self.bound):
            return 0.0
        return distance / abs(self.bound) if self.bound else None

    def to_json(self) -> dict[str, Any]:
        """What ``qopt solve --json`` prints."""
        record = self.record
        return {
            "id": record.id,
            "instance": record.instance.name,
            "kind": record.instance.kind,
            "sense": record.instance.sense,
            "solver": record.solver,
            "options": record.options,
            "form": record.form,
            "seed": record.seed,
            "budget": record.budget,
            "status": str(record.status),
            "reason": record.reason,
            "objective": record.objective,
            "feasible": record.feasible,
            "violations": [text for text, _ in record.violations],
            "bound": record.bound,
            "gap": self.gap,
            "reference": record.instance.reference,
            "answer": record.answer,
            "samples": record.samples,
            "usage": {**record.usage.to_json(), "wall": record.wall, "cpu": record.cpu},
            "cost": record.money,
            "price_list": record.price_list,
            "notes": list(record.notes),
            "details": record.details,
        }

    def to_frame(self) -> Any:
        """One row of a pandas data frame.

        Raises
        ------
        MissingPackageError
            Where pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise MissingPackageError("to_frame()", ["pandas"]) from None
        data = self.to_json()
        columns = ("instance", "solver", "seed", "status", "objective", "feasible", "bound", "gap")
        row = {name: data[name] for name in columns}
        return pd.DataFrame([{**row, "wall": self.record.wall, "cpu": self.record.cpu}])

    def __repr__(self) -> str:
        record = self.record
        value = "no answer" if record.objective is None else f"objective {record.objective:.10g}"
        lines = [f"{record.instance.name} by {record.label}: {record.status}, {value}"]
        if record.bound is not None:
            gap = "" if self.gap is None else f", gap {100 * self.gap:.3g} %"
            lines.append(f"  bound {record.bound:.10g}{gap}")
        lines.extend(f"  violated: {text}" for text, _ in record.violations[:5])
        if record.reason:
            lines.append(f"  {record.reason}")
        lines.append(f"  {record.wall:.2f} s wall, {record.cpu:.2f} s CPU, run {record.id}")
        return "\n".join(lines)


def solve(
    problem: Any,
    solver: str = "auto",
    *,
    seed: int = 0,
    time_limit: float | None = None,
    evaluations: int | None = None,
    threads: int = 1,
    listener: Listener | None = None,
    **options: Any,
) -> Solution:
    """Solve one instance with one solver.

    Parameters
    ----------
    problem : Problem, Qubo or Program
        What `load` gives, or a bare model.
    solver : str
        A name, with options if you like: ``"sa"``, ``"qaoa:p=2,shots=4096"``.
    seed : int
        One seed gives one answer, unless the time limit ends the run.
    time_limit : float, optional
        Wall seconds for the search; None leaves the solver's default.
    evaluations : int, optional
        Deterministic budget in the solver's own unit.
    threads : int
    listener : callable, optional
        Called with the `Progress` on every report.
    **options
        Options of the solver, as keywords.

    Returns
    -------
    Solution

    Raises
    ------
    QoptError
        Where the instance, solver or option is wrong, or the model does not fit the solver.
    """
    name, given = parse_solver(solver)
    budget = Budget(time_limit=time_limit, evaluations=evaluations, threads=threads)
    task = Task(as_problem(problem), name, {**given, **options}, seed, budget)
    return execute(task, listener)


def parse_solver(text: str) -> tuple[str, dict[str, str]]:
    """Split ``"qaoa:p=2,device=aer:torino"`` into a name and options."""
    name, _, rest = text.partition(":")
    return name.strip(), split_assignments(rest)


def solver_version(spec: registry.Spec) -> str:
    """Version of the distribution that publishes a solver."""
    owner = spec.origin.partition(" ")[0]
    try:
        return f"{owner} {version(owner)}"
    except PackageNotFoundError:
        return owner


# -- lowering -----------------------------------------------------------------------------------


def native_forms(problem: Problem) -> tuple[str, ...]:
    """The forms that a problem gives by itself, the tightest first."""
    return registry.find("problem", problem.kind).forms


def lower(
    problem: Problem, forms: Sequence[str], options: Mapping[str, Any] | None = None
) -> tuple[str, Lowering[Any]]:
    """Give a problem in the first of `forms` that it offers, or else by lowering a form further.

    Parameters
    ----------
    problem : Problem
    forms : sequence of str
        Names of forms, the preferred one first.
    options : mapping, optional
        Options of the problem's lowering.

    Returns
    -------
    form : str
    lowering : Lowering

    Raises
    ------
    UnsupportedError
        Where there is no way.
    """
    options = options or {}
    native = native_forms(problem)
    for name in forms:
        if name in native:
            return name, problem.lower(FORMS[name], **options)
    if "qubo" in forms and "program" in native:
        first = problem.lower(Program, **options)
        return "qubo", first.then(program_to_qubo(first.model))
    if "program" in forms and "qubo" in native:
        first = problem.lower(Qubo, **options)
        return "program", first.then(first.model.to_program())
    raise UnsupportedError(
        f"{problem.kind} gives {', '.join(native)}, and there is no way from there to "
        f"{' or '.join(forms)}"
    )


# -- one run ------------------------------------------------------------------------------------


def execute(task: Task, listener: Listener | None = None) -> Solution:
    """Run one task.

    The first Ctrl-C asks the solver to end with what it has, the second ends at once.

    Raises
    ------
    QoptError
        Where the model does not fit the solver, or the solver breaks (`SolverError`).
    """
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    usage = Usage()
    solver = task.spec.load()(**task.solver_options)
    with usage.phase("lower"):
        forms = (task.form,) if task.form else task.spec.forms
        form, lowering = lower(task.problem, forms, task.lowering_options)
    progress = Progress(listener)
    with _interruptible(progress) as guard:
        outcome = guard.run(lambda: solver.solve(lowering.model, task.budget, task.seed, progress))
    if not isinstance(outcome, Outcome):
        raise SolverError(f"solver {task.solver!r} returned {type(outcome).__name__}, no Outcome")
    with usage.phase("decode"):
        judged = _judge(task.problem, lowering, outcome)
    outcome.usage.phases = {**usage.phases, **outcome.usage.phases}
    return _solution(task, form, lowering, outcome, judged, progress, started)


class _Guard:
    """Runs the solver in a thread of its own, so that the main thread can take a Ctrl-C."""

    def __init__(self, progress: Progress, threaded: bool) -> None:
        self.progress = progress
        self.threaded = threaded

    def run(self, work: Callable[[], Outcome]) -> Outcome:
        if not self.threaded:
            return work()
        box: list[Outcome] = []
        fault: list[BaseException] = []

        def body() -> None:
            try:
                box.append(work())
            except BaseException as raised:  # carried to the caller's thread below
                fault.append(raised)

        thread = threading.Thread(target=body, name="qopt-solver", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.05)
        if fault:
            raise fault[0]
        return box[0]


@contextmanager
def _interruptible(progress: Progress) -> Iterator[_Guard]:
    """While open, the first SIGINT stops `progress` and the second raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield _Guard(progress, threaded=False)
        return
    previous = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        if progress.stopping:
            raise KeyboardInterrupt
        progress.interrupted = True
        progress.stop()

    signal.signal(signal.SIGINT, stop)
    try:
        yield _Guard(progress, threaded=True)
    finally:
        signal.signal(signal.SIGINT, previous)


@dataclass
class _Judged:
    """The answers of an outcome as the problem scores them."""

    best: Any = None
    score: Score | None = None
    samples: dict[str, Any] = field(default_factory=dict)


def _judge(problem: Problem, lowering: Lowering[Any], outcome: Outcome) -> _Judged:
    """Decode and score every answer; keep the best feasible one, else the least infeasible."""
    total = len(outcome.answers)
    counts = np.ones(total, dtype=np.int64) if outcome.counts is None else outcome.counts
    if len(counts) != total:
        raise SolverError(f"the solver returned {total} answers and {len(counts)} counts")
    sign = 1.0 if problem.sense == "minimise" else -1.0
    judged = _Judged()
    best_rank: tuple[float, ...] | None = None
    objectives, weights = [], []
    for answer, count in zip(outcome.answers[:MOST_SCORED], counts, strict=False):
        decoded = lowering.decode(answer)
        score = problem.score(decoded)
        if score.feasible:
            objectives.append(score.objective)
            weights.append(int(count))
            rank: tuple[float, ...] = (0.0, sign * score.objective)
        else:
            rank = (1.0, sum(v.amount for v in score.violations), sign * score.objective)
        if best_rank is None or rank < best_rank:
            best_rank, judged.best, judged.score = rank, decoded, score
    judged.samples = {
        "distinct": total,
        "total": int(counts.sum()),
        "scored": int(counts[:MOST_SCORED].sum()),
        "feasible_total": sum(weights),
        **_summary(objectives, weights, sign),
    }
    return judged


def _summary(objectives: list[float], weights: list[int], sign: float) -> dict[str, Any]:
    """Best, median, mean and share of the best over feasible samples, by multiplicity."""
    if not objectives:
        return {"best": None, "best_total": 0, "median": None, "mean": None}
    values, repeats = np.asarray(objectives), np.asarray(weights)
    order = np.argsort(sign * values, kind="stable")
    values, repeats = values[order], repeats[order]
    middle = int(np.searchsorted(np.cumsum(repeats), repeats.sum() / 2.0))
    reached = np.abs(values - values[0]) <= TOLERANCE * max(abs(values[0]), 1e-300)
    return {
        "best": float(values[0]),
        "best_total": int(repeats[reached].sum()),
        "median": float(values[middle]),
        "mean": float(np.average(values, weights=repeats)),
    }


def _verdict(
    problem: Problem, lowering: Lowering[Any], outcome: Outcome, judged: _Judged
) -> tuple[Status, str, float | None]:
    """Status, reason and bound, after the score has had its say over the solver's claim."""
    status, reason = outcome.status, [outcome.reason] if outcome.reason else []
    bound = None
    if outcome.bound is not None and np.isfinite(outcome.bound) and lowering.complete:
        bound = lowering.objective(outcome.bound)
    if judged.score is None:
        if status is Status.PROVEN_INFEASIBLE and not lowering.complete:
            reason.append("the lowered model has no answer, but it leaves out part of the instance")
            return Status.UNSUPPORTED, "; ".join(reason), None
        if status.has_answer or status is Status.INFEASIBLE_ANSWERS:
            raise SolverError(f"the solver claims {status} and returned no answer")
        return status, "; ".join(reason), bound
    if not judged.score.feasible:
        if status.has_answer:
            reason.append(f"the solver claimed {status}; the instance's own score denies it")
        return Status.INFEASIBLE_ANSWERS, "; ".join(reason), bound
    objective = judged.score.objective
    sign = 1.0 if problem.sense == "minimise" else -1.0
    if bound is not None:
        beyond = sign * (bound - objective)
        slack = 1e-6 * max(abs(objective), abs(bound))
        if beyond > slack:
            reason.append(f"the claimed bound {bound:.10g} is beaten by the answer, so it is dropped")
            return Status.FEASIBLE, "; ".join(reason), None
        if beyond > 0 or -beyond <= TOLERANCE * max(abs(objective), abs(bound)):
            bound = objective
    if status is Status.OPTIMAL and not lowering.complete:
        reason.append("optimal for the lowered model, which leaves out part of the instance")
        return Status.FEASIBLE, "; ".join(reason), None
    if status is Status.OPTIMAL and bound is None:
        bound = objective
    if bound == objective:
        return Status.OPTIMAL, "; ".join(reason), bound
    return Status.FEASIBLE, "; ".join(reason), bound


def _solution(
    task: Task,
    form: str,
    lowering: Lowering[Any],
    outcome: Outcome,
    judged: _Judged,
    progress: Progress,
    started: str,
) -> Solution:
    status, reason, bound = _verdict(task.problem, lowering, outcome, judged)
    if progress.interrupted:
        reason = "; ".join(filter(None, [reason, "interrupted"]))
    usage, score = outcome.usage, judged.score
    ended_by_clock = (
        task.budget.time_limit is not None and status is not Status.OPTIMAL
    ) or progress.interrupted
    prices = price_list()
    record = Record(
        **_identity(task),
        form=form,
        deterministic=task.spec.deterministic and not ended_by_clock,
        status=status,
        reason=reason,
        objective=None if score is None else score.objective,
        feasible=score is not None and score.feasible,
        violations=() if score is None else tuple((v.text, v.amount) for v in score.violations),
        bound=bound,
        answer=None if score is None else task.problem.encode_answer(judged.best),
        samples=judged.samples,
        trace={
            "incumbents": [[t, lowering.objective(v)] for t, v in progress.trace.incumbents],
            "bounds": [[t, lowering.objective(v)] for t, v in progress.trace.bounds]
            if lowering.complete
            else [],
        },
        usage=usage,
        money=charge(usage, prices),
        price_list=prices.version,
        details=_jsonable(outcome.details),
        notes=lowering.notes,
        environment=environment(),
        started=started,
        wall=usage.wall,
        cpu=usage.cpu,
    )
    return Solution(task.problem, judged.best, score, record)


def _identity(task: Task) -> dict[str, Any]:
    """The part of a record that is known before the run."""
    return {
        "key": task.key,
        "task": task.preimage,
        "instance": instance_facts(task.problem, task.preimage["instance"]),
        "solver": task.solver,
        "solver_version": task.preimage["version"],
        "role": task.spec.role or "",
        "options": _jsonable(task.options),
        "seed": task.seed,
        "budget": asdict(task.budget),
    }


def instance_facts(problem: Problem, sha256: str | None = None) -> InstanceFacts:
    """What a record says of its instance."""
    origin = origin_of(problem) or Origin()
    return InstanceFacts(
        name=problem.name,
        kind=problem.kind,
        sense=problem.sense,
        sha256=sha256 or fingerprint(problem),
        size=_jsonable(dict(problem.describe())),
        path=origin.path,
        settings=_jsonable(origin.settings),
        reference=None if problem.reference is None else asdict(problem.reference),
    )


def _jsonable(value: Any) -> Any:
    """Numpy scalars and arrays, tuples and sets as plain JSON values; NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _jsonable(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.generic):
        return _jsonable(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


# -- a grid of runs -----------------------------------------------------------------------------


def attempt(task: Task, listener: Listener | None = None) -> Record:
    """Run one task and give its record, whatever happens: a failed run is a record too."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    usage = Usage()
    status, error = Status.FAILED, ""
    try:
        with usage.phase("execute"):
            return execute(task, listener).record
    except (SizeError, UnsupportedError, MissingPackageError) as refusal:
        status, reason = Status.UNSUPPORTED, str(refusal)
    except QoptError as fault:
        reason = error = str(fault)
    except Exception as fault:  # a solver's own fault must not end the comparison
        reason = f"{type(fault).__name__}: {fault}".splitlines()[0]
        error = traceback.format_exc()
    return Record(
        **_identity(task),
        form=task.form or "",
        deterministic=task.spec.deterministic,
        status=status,
        reason=reason,
        usage=usage,
        environment=environment(),
        started=started,
        wall=usage.wall,
        cpu=usage.cpu,
        error=error,
    )


def collect(
    tasks: Iterable[Task],
    *,
    store: Store | None = None,
    executor: Executor | None = None,
    listener: Callable[[Task, Progress | None], None] | None = None,
) -> Iterator[Record]:
    """Run a grid of tasks and yield their records as they come.

    What the store already holds is not run again, unless that run failed. Each new record is in the
    store before it is yielded, so that an end at any moment loses at most the runs in flight.

    Parameters
    ----------
    tasks : iterable of Task
        Tasks with the same key run once.
    store : Store, optional
    executor : concurrent.futures.Executor, optional
        Where to run them; in this process, one after the other, if left out.
    listener : callable, optional
        Called as ``listener(task, progress)`` during runs in this process, and with None when a
        task begins.

    Yields
    ------
    Record
    """
    waiting: dict[str, Task] = {}
    for task in tasks:
        if task.key in waiting:
            continue
        if store is not None and task.key in store:
            known = store.get(task.key)
            if known.status is not Status.FAILED:
                yield known
                continue
        waiting[task.key] = task
    for record in _run_all(list(waiting.values()), executor, listener):
        if store is not None:
            store.add(record)
        yield record


def _run_all(
    tasks: list[Task],
    executor: Executor | None,
    listener: Callable[[Task, Progress | None], None] | None,
) -> Iterator[Record]:
    if executor is not None:
        futures = [executor.submit(attempt, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
        return
    for task in tasks:
        interrupted = False

        def listen(progress: Progress, task: Task = task) -> None:
            nonlocal interrupted
            interrupted = interrupted or progress.interrupted
            if listener is not None:
                listener(task, progress)

        if listener is not None:
            listener(task, None)
        record = attempt(task, listen)
        yield record
        if interrupted or "interrupted" in record.reason.split("; "):
            raise KeyboardInterrupt
