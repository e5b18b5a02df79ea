"""Running one task, or a grid of them: lower, solve, decode, score, record."""

import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from operator import index
from typing import Any

import numpy as np

from . import registry
from .errors import (
    InfeasibleError,
    MissingPackageError,
    QoptError,
    SizeError,
    SolverError,
    UnsupportedError,
    UsageError,
    check_type,
)
from .forms import FORMS, Lowering, Qubo
from .forms.reduce import expected_seconds, prepare, reduce_qubo
from .loading import Origin, as_problem, origin_of
from .options import check_options, options_of, split_assignments
from .picture import Picture
from .pricing import charge, price_list
from .problem import Problem, fingerprint, insight_of, notes_of
from .record import InstanceFacts, Record, content_key, environment, jsonable, solver_label
from .reduction import forms_for, lower, own_options, ruled_out, size_remedy
from .rounds import Rounds, solve_in_rounds, without_run
from .solution import Solution
from .solver import Budget, Outcome, Progress, Status, Usage
from .start import Start
from .store import Store

Listener = Callable[[Progress], None]

PRESOLVE_SHARE = 0.2
"""Share of a run's time limit that presolve may take."""


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
        form that the solver is given and the options of its lowering; ``presolve`` says whether a
        QUBO is reduced exactly before the solver sees it, by default as the solver's spec has it.
    seed : int
        At least 0, below 2**31.
    budget : Budget
    start : object, optional
        An answer to start from, or the path of a file with one (`qopt.start.Start.of`). It is held
        as a `Start`, and part of the key.

    Raises
    ------
    UsageError
        For an unknown solver or option, a value that does not fit, a seed out of range, or a start
        where the solver takes none.
    """

    problem: Problem
    solver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    start: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "seed", index(self.seed))  # numpy's whole numbers, too
        except TypeError:
            raise UsageError(f"seed must be a whole number, got {self.seed!r}") from None
        if not 0 <= self.seed < 2**31:
            raise UsageError(f"seed must be between 0 and {2**31 - 1}, got {self.seed}")
        form = self.options.get("form")
        if form is not None and form not in FORMS:
            raise UsageError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        own = own_options(self.options)
        spec = self.spec
        if form is not None and form not in spec.forms:
            raise UsageError(
                f"solver {self.solver!r} takes {' or '.join(spec.forms)}, not form={form}"
            )
        object.__setattr__(
            self, "solver_options", check_options(spec.load(), own, f"solver {self.solver!r}")
        )
        given = {name: self.options[name] for name in self.options if name not in own}
        if "presolve" in given:
            given |= check_options(
                _presolve, {"presolve": given["presolve"]}, f"solver {self.solver!r}"
            )
            if given["presolve"] and "qubo" not in spec.forms:
                raise UsageError(
                    f"solver {self.solver!r} takes {' or '.join(spec.forms)}, and presolve reduces "
                    "QUBOs: leave presolve=true out"
                )
        object.__setattr__(self, "options", {**given, **self.solver_options})
        if self.start is not None:
            self._check_start()
            object.__setattr__(self, "start", Start.of(self.problem, self.start))

    solver_options: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    def _check_start(self) -> None:
        if not self.spec.starts:
            able = [spec.name for spec in registry.available("solver") if spec.starts]
            hint = f"choose from {', '.join(able)}, or leave it out" if able else "leave it out"
            raise UsageError(f"solver {self.solver!r} takes no answer to start from: {hint}")

    @cached_property
    def spec(self) -> registry.Spec:
        """The solver's spec."""
        return registry.find("solver", self.solver)

    @property
    def form(self) -> str | None:
        """The form asked for; None leaves the choice to the specs."""
        return self.options.get("form")

    @property
    def presolves(self) -> bool:
        """Whether a QUBO is reduced before the solver sees it."""
        return bool(self.options.get("presolve", self.spec.presolve))

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
        start = {} if self.start is None else {"start": self.start.data}
        if "qubo" in self.spec.forms:
            defaults["presolve"] = self.spec.presolve
        # A file that an option names may change while its name stays.
        files = getattr(self.spec.load(), "files", None)
        held = {} if files is None else files(self.solver_options)
        return {
            "instance": fingerprint(self.problem),
            "solver": self.solver,
            "version": solver_version(self.spec),
            "options": jsonable({**defaults, **self.options}),
            "seed": self.seed,
            "budget": asdict(self.budget),
            **start,
            **({"files": held} if held else {}),
        }

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of `preimage`."""
        return content_key(self.preimage)


def solve(
    problem: Any,
    solver: str = "auto",
    *,
    seed: int = 0,
    time_limit: float | None = None,
    evaluations: int | None = None,
    threads: int = 1,
    start: Any = None,
    listener: Listener | None = None,
    **options: Any,
) -> Solution:
    """Solve one instance with one solver.

    Parameters
    ----------
    problem : Problem, Qubo, Program or Routing
        What `load` gives, or a bare model; dimod's, qiskit-optimization's and PuLP's models are
        taken, too. The answer to a model over spins is in bits, 1 for spin 1.
    solver : str
        A name, with options if you like: ``"sa"``, ``"qaoa:p=2,shots=4096"``.
    seed : int
        One seed gives one answer, unless the time limit ends the run.
    time_limit : float, optional
        Wall seconds for the search; None leaves the solver's default.
    evaluations : int, optional
        Deterministic budget in the solver's own unit.
    threads : int
    start : object, optional
        An answer of the problem to start from, such as ``solution.answer``, or the path of a file
        with one, as ``qopt solve -o`` writes it; for solvers that can (`Spec.starts`).
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
    check_type(solver, str, "a solver's name with its options, as 'qaoa:p=2',")
    name, given = parse_solver(solver)
    budget = Budget(time_limit=time_limit, evaluations=evaluations, threads=threads)
    task = Task(as_problem(problem), name, {**given, **options}, seed, budget, start)
    return execute(task, listener)


def parse_solver(text: str) -> tuple[str, dict[str, str]]:
    """Split ``"qaoa:p=2,device=aer:torino"`` into a name and options."""
    name, _, rest = text.partition(":")
    return name.strip(), split_assignments(rest)


def timestamp() -> str:
    """The time now, ISO 8601 in UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def solver_version(spec: registry.Spec) -> str:
    """Version of the distribution that publishes a solver."""
    owner = spec.origin.partition(" ")[0]
    try:
        return f"{owner} {version(owner)}"
    except PackageNotFoundError:
        return owner


# -- one run ------------------------------------------------------------------------------------


def execute(task: Task, listener: Listener | None = None) -> Solution:
    """Run one task.

    An instance of routes that arithmetic rules out is not run: its solution is proven infeasible.
    The first Ctrl-C asks the solver to end with what it has, the second ends at once.

    Raises
    ------
    QoptError
        Where the model does not fit the solver, or the solver breaks (`SolverError`).
    """
    started = timestamp()
    usage = Usage()
    solver = task.spec.load()(**task.solver_options)
    progress = Progress(listener)
    with usage.phase("lower"):
        proof = ruled_out(task.problem)
        forms = (task.form,) if task.form else forms_for(task.problem, task.spec)
        form, lowering = ("", None) if proof else lower(task.problem, forms, task.lowering_options)
    if lowering is None:
        done = without_run(proof)
    else:
        with _interruptible(progress):
            lowering, budget = _presolved(task, lowering, usage, progress)
            done = solve_in_rounds(
                task.problem, lowering, partial(_call, task, solver), budget, progress, task.start
            )
    usage.add(done.outcome.usage)
    done.outcome.usage = usage
    return _solution(task, form, done, progress, started)


def _presolve(*, presolve: bool = True) -> None:
    """What the option of every run is checked against.

    Parameters
    ----------
    presolve : bool
        Whether a QUBO is reduced exactly before the solver sees it.
    """


def _presolved(
    task: Task, lowering: Lowering[Any], usage: Usage, progress: Progress
) -> tuple[Lowering[Any], Budget]:
    """A lowering with its QUBO reduced, where that is wished, and what is left of the budget."""
    budget = task.budget
    if not isinstance(lowering.model, Qubo):
        if task.options.get("presolve"):
            form = next(name for name, kind in FORMS.items() if isinstance(lowering.model, kind))
            raise UsageError(
                f"presolve reduces QUBOs, and {task.solver!r} is given {task.problem.name} as a "
                f"{form}: leave presolve=true out, or set form=qubo"
            )
        return lowering, budget
    if not task.presolves:
        return lowering, budget
    with usage.phase("setup"):
        prepare()

    def reduced(model: Qubo) -> Lowering[Qubo]:
        clock, limit = budget.start(), PRESOLVE_SHARE * (budget.time_limit or 0.0)
        if budget.time_limit is None:
            return reduce_qubo(model, stop=lambda: progress.stopping)
        if expected_seconds(model) > limit:
            note = "presolve: left out, it may take more than its share of the time limit"
            return Lowering(model, decode=_same, encode=_same, notes=(note,))
        return reduce_qubo(model, stop=lambda: progress.stopping or clock.elapsed > limit)

    clock = budget.start()
    with usage.phase("presolve"):
        lowering = lowering.through(reduced)
    if budget.time_limit is not None:
        budget = replace(budget, time_limit=clock.remaining)
    return lowering, budget


def _same(answer: Any) -> Any:
    return answer


def _without_search(task: Task, model: Qubo, progress: Progress) -> Outcome:
    """What a run comes to whose presolve left nothing to search for: its one answer is the best."""
    progress.incumbent(model.offset)
    progress.bound(model.offset)
    ran = "no circuit ran" if task.spec.role == "quantum" else f"{task.solver} did not run"
    return Outcome(
        Status.OPTIMAL, np.zeros((1, 0), dtype=np.int8), bound=model.offset,
        reason=f"presolve decided every variable, so {ran}", details={"decided_by": "presolve"},
    )


def _call(
    task: Task, solver: Any, model: Any, budget: Budget, progress: Progress, **more: Any
) -> Outcome:
    """One call of a solver; what goes wrong inside is its fault."""
    if task.presolves and isinstance(model, Qubo) and model.num_variables == 0:
        return _without_search(task, model, progress)
    try:
        outcome = solver.solve(model, budget, task.seed, progress, **more)
    except SizeError as fault:
        if remedy := size_remedy(task.problem, model):
            fault.add_remedy(remedy)
        raise
    except (QoptError, MemoryError):
        raise
    except Exception as fault:
        text = f"{type(fault).__name__}: {fault}".splitlines()[0]
        hint = "QOPT_TRACEBACK=1 shows where"
        raise SolverError(f"solver {task.solver!r} broke: {text} ({hint})") from fault
    if not isinstance(outcome, Outcome):
        raise SolverError(f"solver {task.solver!r} returned {type(outcome).__name__}, no Outcome")
    return outcome


@contextmanager
def _interruptible(progress: Progress) -> Iterator[None]:
    """While open, the first SIGINT stops `progress` and the second raises KeyboardInterrupt.

    The main thread cannot run a signal handler while it is inside a library's compiled code, so the
    signal is also written to a socket that a thread waits on; that thread asks the solver to stop.
    The solver itself stays in the main thread: some libraries crash when their parts are imported
    from different threads.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop() -> None:
        progress.interrupted = True
        progress.stop()

    def watch() -> None:
        while number := reader.recv(1):
            if number[0] == signal.SIGINT:
                stop()

    def handle(number: int, frame: Any) -> None:
        presses.append(number)
        if len(presses) > 1:
            raise KeyboardInterrupt
        stop()

    presses: list[int] = []
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    watcher = threading.Thread(target=watch, name="qopt-interrupt", daemon=True)
    watcher.start()
    previous_handler = signal.signal(signal.SIGINT, handle)
    previous_socket = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous_socket)
        signal.signal(signal.SIGINT, previous_handler)
        writer.close()
        watcher.join()
        reader.close()


def _solution(
    task: Task,
    form: str,
    done: Rounds,
    progress: Progress,
    started: str,
) -> Solution:
    judged, status = done.judged, done.status
    ended = "interrupted" if progress.interrupted else ""
    reason = "; ".join(filter(None, [done.reason, judged.origin, ended]))
    usage, score = done.outcome.usage, judged.score
    ended_by_clock = (
        task.budget.time_limit is not None and status is not Status.OPTIMAL
    ) or progress.interrupted
    prices = price_list()
    record = Record(
        **_identity(task),
        form=form,
        deterministic=_repeatable(task) and not ended_by_clock,
        status=status,
        reason=reason,
        objective=None if score is None else score.objective,
        feasible=score is not None and score.feasible,
        violations=() if score is None else tuple((v.text, v.amount) for v in score.violations),
        bound=done.bound,
        answer=None if score is None else task.problem.encode_answer(judged.best),
        picture=None if score is None else _picture(task.problem, judged.best),
        insight={} if score is None else jsonable(insight_of(task.problem, judged.best)),
        samples=judged.samples,
        trace=done.trace.to_json(),
        usage=usage,
        money=charge(usage, prices),
        price_list=prices.version,
        details=jsonable(done.outcome.details),
        notes=(*done.notes, *_start_notes(task), *notes_of(task.problem, judged.best)),
        environment=environment(),
        started=started,
        wall=usage.wall,
        cpu=usage.cpu,
        interrupted=progress.interrupted,
    )
    return Solution(task.problem, judged.best, score, record)


def _start_notes(task: Task) -> tuple[str, ...]:
    """What the run started from, where it was given an answer."""
    if task.start is None:
        return ()
    score = task.problem.score(task.start.answer)
    kind = "feasible" if score.feasible else "infeasible"
    return (f"started from a given answer, {kind}, objective {score.objective:.10g}",)


def _picture(problem: Problem, answer: Any) -> dict[str, Any] | None:
    """A drawing of an answer, where the problem has a method for it and it is small enough."""
    draw = getattr(problem, "picture", None)
    picture: Picture | None = None if draw is None else draw(answer)
    return picture.to_json() if picture is not None and picture.small_enough else None


def _repeatable(task: Task) -> bool:
    """Whether one seed gives one answer, as long as no clock ends the run."""
    spec = task.spec
    return spec.deterministic and (task.budget.threads == 1 or spec.deterministic_in_parallel)


def _identity(task: Task) -> dict[str, Any]:
    """The part of a record that is known before the run."""
    return {
        "key": task.key,
        "task": task.preimage,
        "instance": instance_facts(task.problem, task.preimage["instance"]),
        "solver": task.solver,
        "solver_version": task.preimage["version"],
        "role": task.spec.role or "",
        "options": jsonable(task.options),
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
        size=jsonable(dict(problem.describe())),
        path=origin.path,
        settings=jsonable(origin.settings),
        reference=None if problem.reference is None else asdict(problem.reference),
    )


# -- a grid of runs -----------------------------------------------------------------------------


def attempt(task: Task, listener: Listener | None = None) -> Record:
    """Run one task and give its record, whatever happens: a failed run is a record too."""
    started = timestamp()
    usage = Usage()
    status, error = Status.FAILED, ""
    try:
        with usage.phase("execute"):
            return execute(task, listener).record
    except (SizeError, UnsupportedError, MissingPackageError) as refusal:
        status, reason = Status.UNSUPPORTED, str(refusal)
    except InfeasibleError as proof:
        status, reason = Status.PROVEN_INFEASIBLE, str(proof)
    except QoptError as fault:
        reason, error = str(fault), traceback.format_exc()
    except Exception as fault:  # no fault of a plug-in may end the comparison
        reason = f"{type(fault).__name__}: {fault}".splitlines()[0]
        error = traceback.format_exc()
    prices = price_list()
    return Record(
        **_identity(task),
        form=task.form or "",
        deterministic=_repeatable(task),
        status=status,
        reason=reason,
        usage=usage,
        money=charge(usage, prices),
        price_list=prices.version,
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

    What the store already holds is not run again, unless that run failed or was interrupted. Each
    new record is in the store before it is yielded, so that an end at any moment loses at most the
    runs in flight.

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
            if known.status is not Status.FAILED and not known.interrupted:
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
        if interrupted or record.interrupted:
            raise KeyboardInterrupt
