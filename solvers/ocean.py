"""Our solvers of QUBOs as dimod samplers, for programs written for Ocean.

A sampler takes a `dimod.BinaryQuadraticModel` and gives a `dimod.SampleSet`, so it stands wherever
Ocean takes one: in composites, in hybrid workflows, beside `dimod.ExactSolver`.

>>> from qopt.solvers.ocean import SimulatedAnnealingSampler
>>> sampler = SimulatedAnnealingSampler()
>>> sampler.sample_ising({"a": 0.5}, {("a", "b"): -1.0}, seed=1).first.energy
-1.5

Parameters of all samplers, beside the options of the solver (``sampler.parameters`` lists them):

- ``seed``: at least 0; one is drawn where none is given, and ``info["seed"]`` tells it.
- ``time_limit`` (seconds), ``evaluations`` (the solver's own unit of work) and ``threads``: the
  budget (`qopt.solver.Budget`). Without a limit the solver's default work is done.
- ``interrupt_function``: called without arguments whenever the solver asks whether to go on, from
  any of its threads; when it returns True, the run ends with what it has.
- ``num_reads``: how many samples there are at most. Solvers with an option ``reads``, ``num_reads``
  or ``samples`` make so many; of what another found, the best so many are kept, counting the times
  that each was found, and they may be fewer.
- ``initial_states``: samples to start from, as `dimod.as_samples` takes them, in bits or spins; for
  solvers that can. The best answer is then never worse than the best of them.

All of them but ``initial_states`` and ``interrupt_function`` may also be given when a sampler is
made, ``SolverSampler("sa", num_reads=5)``: they hold for every run that is not told otherwise.

An unknown keyword of ``sample`` is left out with a
`dimod.exceptions.SamplerUnknownArgWarning`. Wrong values raise `qopt.errors.UsageError`, and a bias
that is NaN or infinite `qopt.errors.InputError`.
"""

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any, ClassVar

import dimod
import numpy as np
from numpy.typing import NDArray

from qopt.errors import (
    SolverError,
    UnknownNameError,
    UnsupportedError,
    UsageError,
    check_type,
)
from qopt.forms import Qubo
from qopt.options import check_options, options_of
from qopt.record import jsonable
from qopt.registry import find
from qopt.solver import Budget, Outcome, Progress, Status

_BUDGET = ("time_limit", "evaluations", "threads")

_READS = ("num_reads", "reads", "samples")
"""Options by which solvers are told how many samples to make."""

_ANNEALING: Mapping[str, tuple[str, ...]] = {
    "num_sweeps": ("sweeps",),
    "beta_range": ("beta_min", "beta_max"),
    "beta_schedule_type": ("schedule",),
}


class SolverSampler(dimod.Sampler, dimod.Initialized):  # type: ignore[misc]  # ships no types
    """Any registered solver of QUBOs as a dimod sampler.

    Parameters
    ----------
    solver : str, optional
        Its name, as ``qopt solvers`` lists it; by default that of the class.
    **defaults
        Parameters of `sample` that hold where a call has no others.

    Attributes
    ----------
    parameters : dict of str to list of str
        Keywords of `sample`.
    properties : dict
        ``solver``, ``summary``, ``role``, and ``options``: the type of each option in words.

    Raises
    ------
    UnknownNameError
        For a name that nobody published, or a default that `sample` does not take.
    UsageError
        For a default of a wrong value.
    UnsupportedError
        For a solver that takes no QUBO.
    MissingPackageError
        Where a package that the solver needs is missing.
    """

    solver: ClassVar[str] = ""
    """Name of the solver."""

    ocean_names: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Ocean's names of options, and our own; several of ours take the items of one of Ocean's."""

    parameters: Any = None  # dimod's are abstract; every sampler has its own
    properties: Any = None

    def __init__(self, solver: str | None = None, **defaults: Any) -> None:
        name = self.solver if solver is None else solver
        self._spec = find("solver", name)
        if "qubo" not in self._spec.forms:
            raise UnsupportedError(
                f"solver {name!r} takes no QUBO, but {' and '.join(self._spec.forms)}"
            )
        self._target = self._spec.load()
        options = options_of(self._target)
        self._aliases = {
            theirs: ours for theirs, ours in self.ocean_names.items() if set(ours) <= set(options)
        }
        reads = [key for key in _READS if key in options]
        if reads:
            self._aliases["num_reads"] = (reads[0],)
        self._truncates = not reads
        common = ["num_reads", "seed", *_BUDGET]
        self._defaults = self._checked(defaults, {*options, *self._aliases, *common})
        common += ["interrupt_function"]
        common += ["initial_states"] if self._spec.starts else []
        self.parameters = {key: [] for key in (*options, *self._aliases, *common)}
        self.properties = {
            "solver": name,
            "summary": self._spec.summary,
            "role": self._spec.role,
            "options": {key: option.type_name for key, option in options.items()},
        }

    def _checked(self, defaults: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
        """What the sampler was made with, under our own names."""
        what = f"solver {self._spec.name!r}"
        for key in defaults:
            if key not in known:
                raise UnknownNameError(f"option of {what}", key, known)
        given = self._ours(defaults)
        _seed(given.get("seed"))
        _most(given.get("num_reads") if self._truncates else None)
        Budget(**{key: given[key] for key in _BUDGET if key in given})
        own = {key: value for key, value in given.items() if key in options_of(self._target)}
        if not any(option.required for option in options_of(self._target).values()):
            check_options(self._target, own, what)
        return given

    def sample(self, bqm: dimod.BinaryQuadraticModel, **parameters: Any) -> dimod.SampleSet:
        """Sample from a binary quadratic model.

        Parameters
        ----------
        bqm : dimod.BinaryQuadraticModel
            Over bits or spins.
        **parameters
            As `parameters` lists them.

        Returns
        -------
        dimod.SampleSet
            The distinct answers of the run, best first, with the number of times each was found, in
            the variables and the vartype of `bqm`. ``info`` holds ``solver``, ``seed``, ``status``,
            ``bound`` (proven, or None), ``evaluations``, ``details`` and ``timing``.
        """
        begin = perf_counter_ns()
        check_type(bqm, dimod.BinaryQuadraticModel, "a dimod BinaryQuadraticModel")
        known = self.remove_unknown_kwargs(**parameters)
        given = {**self._defaults, **self._ours(known)}
        seed = _seed(given.pop("seed", None))
        budget = Budget(**{k: given.pop(k) for k in _BUDGET if k in given})
        most = _most(given.pop("num_reads", None)) if self._truncates else None
        progress = _Interruptible(given.pop("interrupt_function", None))
        more = self._start(bqm, given.pop("initial_states", None))
        options = check_options(self._target, given, f"solver {self._spec.name!r}")
        model = _qubo(bqm)
        middle = perf_counter_ns()
        outcome = _EMPTY
        if model.num_variables:
            outcome = self._target(**options).solve(model, budget, seed, progress, **more)
        end = perf_counter_ns()
        found = _best_of(_sample_set(bqm, outcome), most)
        found.info.update(
            solver=self._spec.name, seed=seed, status=str(outcome.status),
            bound=outcome.bound, evaluations=outcome.usage.evaluations,
            details=jsonable(outcome.details),
            timing={
                "preprocessing_ns": middle - begin,
                "sampling_ns": end - middle,
                "postprocessing_ns": perf_counter_ns() - end,
            },
        )
        return found

    def _start(self, bqm: dimod.BinaryQuadraticModel, states: Any) -> dict[str, Any]:
        """The keyword by which a solver is given answers to start from."""
        if states is None:
            return {}
        parsed = self.parse_initial_states(
            bqm, initial_states=states, initial_states_generator="none", copy_always=True
        )
        record = parsed.initial_states
        order = [record.variables.index(name) for name in bqm.variables]
        bits = (record.record.sample[:, order] > 0).astype(np.int8)
        return {"start": list(bits[np.argsort(record.record.energy, kind="stable")])}

    def _ours(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Options by our own names."""
        options: dict[str, Any] = {}
        for name, value in given.items():
            names = self._aliases.get(name, (name,))
            values = [value] if len(names) == 1 else _items(name, value, len(names))
            for ours, item in zip(names, values, strict=True):
                if ours in options:
                    raise UsageError(f"option {ours!r} is given twice, under two names: give one")
                options[ours] = item
        return {name: value for name, value in options.items() if value is not None}


_EMPTY = Outcome(Status.OPTIMAL, np.zeros((1, 0), dtype=np.int8))
"""Of a model without variables, which some solvers refuse."""


def _items(name: str, value: Any, count: int) -> list[Any]:
    """Items of an option of Ocean's that stands for several of ours."""
    if value is None:
        return [None] * count
    items = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    if len(items) != count:
        raise UsageError(f"{name} takes {count} values, got {value!r}")
    return [item.item() if isinstance(item, np.generic) else item for item in items]


def _seed(given: Any) -> int:
    """The seed of a run; drawn where none is given."""
    if given is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 0:
        raise UsageError(f"seed must be a whole number of at least 0, got {given!r}")
    return int(given)


def _most(given: Any) -> int | None:
    """How many samples are kept at most; all of them where nothing is given."""
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 1:
        raise UsageError(f"num_reads must be a whole number of at least 1, got {given!r}")
    return int(given)


class _Interruptible(Progress):
    """A run that ends when a function says so."""

    def __init__(self, function: Callable[[], bool] | None) -> None:
        if function is not None and not callable(function):
            raise UsageError(f"interrupt_function must be callable, got {function!r}")
        super().__init__()
        self._function = function

    @property
    def stopping(self) -> bool:
        """Whether the run should end now with what it has."""
        function = self._function  # another thread may take it away
        if function is not None and function():
            self._function = None
            self.stop()
        return super().stopping


def _qubo(bqm: dimod.BinaryQuadraticModel) -> Qubo:
    """The model over bits, in the order of the variables, which may be named by anything."""
    n = bqm.num_variables
    return Qubo.from_dimod(bqm.relabel_variables(
        dict(zip(bqm.variables, range(n), strict=True)), inplace=False
    ))


def _sample_set(bqm: dimod.BinaryQuadraticModel, outcome: Outcome) -> dimod.SampleSet:
    """Answers over bits as samples of the model, with the model's own energies."""
    if outcome.status in (Status.FAILED, Status.UNSUPPORTED):
        raise SolverError(f"no samples: {outcome.reason or outcome.status}")
    bits: NDArray[np.int8] = np.asarray(outcome.answers, dtype=np.int8)
    bits = bits.reshape(len(outcome.answers), bqm.num_variables)
    samples = bits if bqm.vartype is dimod.BINARY else 2 * bits - 1
    return dimod.SampleSet.from_samples_bqm(
        (samples, list(bqm.variables)), bqm, num_occurrences=outcome.counts, sort_labels=False
    )


def _best_of(found: dimod.SampleSet, most: int | None) -> dimod.SampleSet:
    """The best samples, at most so many by the times that each was found."""
    if most is None:
        return found
    order = np.argsort(found.record.energy, kind="stable")
    record = found.record[order]
    before = np.cumsum(record.num_occurrences) - record.num_occurrences
    record = record[before < most]
    record.num_occurrences = np.minimum(record.num_occurrences, most - before[before < most])
    return dimod.SampleSet(record, found.variables, found.info, found.vartype)


class SimulatedAnnealingSampler(SolverSampler):
    """Simulated annealing: solver ``sa``, with the names of dwave-samplers for its options.

    Without ``num_reads`` it anneals in rounds until the budget is used.
    """

    solver = "sa"
    ocean_names = _ANNEALING


class TemperingSampler(SolverSampler):
    """Parallel tempering: solver ``tempering``."""

    solver = "tempering"
    ocean_names = _ANNEALING


class TabuSampler(SolverSampler):
    """Tabu search: solver ``tabu``."""

    solver = "tabu"


class PathRelinkingSampler(SolverSampler):
    """Path relinking between elite answers: solver ``path-relinking``."""

    solver = "path-relinking"


class PortfolioSampler(SolverSampler):
    """Several solvers that race for the budget: solver ``portfolio``."""

    solver = "portfolio"


class BranchAndBoundSampler(SolverSampler):
    """Branch and bound, with a proven bound in ``info``: solver ``branch-and-bound``."""

    solver = "branch-and-bound"
