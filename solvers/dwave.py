"""dwave-samplers' simulated annealing and tabu search, as they are: the reference baselines.

Both know no groups, so they are given `Qubo.penalised`.
"""

from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

DEFAULT_READS = 10
"""Reads where neither an option nor a time limit says how many."""

CHUNK = 2_000_000
"""Flip proposals of annealing in one call of the library, unless one read takes more."""

PROBE_GROWTH = 8
"""How the sweeps of a read grow from probe to probe, while they are too few to be timed."""

_PROBE = 500
"""Variables of an empty model by which the time of a large one's conversion is predicted."""

MOST_SECONDS = 10.0
"""Longest tabu read that is chosen by itself: a read cannot be interrupted."""


@dataclass(frozen=True, kw_only=True)
class DwaveAnnealing:
    """Simulated annealing of dwave-samplers, with the temperatures that it chooses by default.

    A unit of ``budget.evaluations`` is one flip proposal: reads times sweeps times variables. The
    library cannot be stopped within a read. So where there is a time limit, a first short read
    measures the time of a sweep; if not even one read fits, its sweeps are cut, and the reason says
    so.

    Parameters
    ----------
    num_reads : int or None
        Independent reads; none stands for 10, or as many as the time limit allows.
    num_sweeps : int
        Sweeps of each read.
    """

    num_reads: int | None = None
    num_sweeps: int = 1000

    def __post_init__(self) -> None:
        _check_positive(num_reads=self.num_reads, num_sweeps=self.num_sweeps)

    def solve(self, model: Qubo, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Anneal the penalised model."""
        usage = Usage()
        with usage.phase("setup"):
            from dwave.samplers import SimulatedAnnealingSampler

            sampler = SimulatedAnnealingSampler()
        clock = budget.start()
        reads = _Reads(model, progress)
        if not model.num_variables:
            reads.add(np.zeros((1, 0), dtype=np.int8))  # the library does not end on nothing
            return reads.outcome(usage, "", {})
        with usage.phase("compile"):
            bqm = _binary_quadratic_model(reads.penalised)
            betas = default_betas(reads.penalised)
        with usage.phase("execute"):
            return self._anneal(sampler, bqm, betas, reads, budget, clock, seed, usage)

    def _anneal(
        self,
        sampler: Any,
        bqm: Any,
        betas: tuple[float, float],
        reads: "_Reads",
        budget: Budget,
        clock: Clock,
        seed: int,
        usage: Usage,
    ) -> Outcome:
        rng = np.random.default_rng(seed)
        n = bqm.num_variables
        sweeps, wanted = self._plan(budget, n)

        def sample(count: int, sweeps: int) -> NDArray[np.int8]:
            found = sampler.sample(
                bqm, num_reads=count, num_sweeps=sweeps, seed=int(rng.integers(2**31)),
                beta_range=betas,
                interrupt_function=lambda: clock.expired or reads.progress.stopping,
            )
            usage.evaluations += len(found) * sweeps * n
            return _samples(found)

        reason, seconds = "", 0.0
        if clock.limit < inf and not clock.expired:
            start, per_sweep, probed, spare = _measure_sweeps(sample, clock)
            fitting = int((0.9 * clock.remaining - start) / per_sweep)
            if fitting < 1:
                reads.add(spare)
                wanted, fitting = 1, probed
            if fitting < sweeps:
                reason = f"sweeps cut from {sweeps} to {fitting} by the time limit"
                sweeps = fitting
            seconds = start + per_sweep * sweeps
        chunk = max(1, CHUNK // (n * sweeps))
        while reads.total < wanted and not reads.progress.stopping and not clock.expired:
            if reads.total and seconds > clock.remaining:
                break
            reads.add(sample(int(min(chunk, wanted - reads.total)), sweeps))
            reads.progress.step(reads.total / wanted if wanted < inf else None)
        details = {"reads": reads.total, "sweeps": sweeps}
        return reads.outcome(usage, reason, details)

    def _plan(self, budget: Budget, variables: int) -> tuple[int, float]:
        """Sweeps of a read, and the number of reads."""
        if budget.evaluations is not None:
            sweeps = max(1, min(self.num_sweeps, budget.evaluations // variables))
            return sweeps, max(1, budget.evaluations // (sweeps * variables))
        return self.num_sweeps, _wanted(self.num_reads, budget)


@dataclass(frozen=True, kw_only=True)
class DwaveTabu:
    """Multistart tabu search of dwave-samplers, with its own tenure.

    A clock ends each read, so that a run is not repeatable to the bit, unless
    ``budget.evaluations`` is given: its unit is one restart, and no clock but the time limit's then
    ends a read. The library cannot be stopped within a read.

    Parameters
    ----------
    num_reads : int or None
        Independent reads; none stands for 10, or as many as the time limit allows.
    timeout : float or None
        Seconds of a read; none stands for 0.2, or a tenth of the time limit (10 at most).
    """

    num_reads: int | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        _check_positive(num_reads=self.num_reads, timeout=self.timeout)

    def solve(self, model: Qubo, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Search the penalised model."""
        usage = Usage()
        with usage.phase("setup"):
            from dwave.samplers import TabuSampler

            sampler = TabuSampler()
        clock = budget.start()
        reads = _Reads(model, progress)
        if not model.num_variables:
            reads.add(np.zeros((1, 0), dtype=np.int8))  # the library does not end on nothing
            return reads.outcome(usage, "", {})
        with usage.phase("compile"):
            bqm = _binary_quadratic_model(reads.penalised)
        with usage.phase("execute"):
            return self._search(sampler, bqm, reads, budget, clock, seed, usage)

    def _search(
        self,
        sampler: Any,
        bqm: Any,
        reads: "_Reads",
        budget: Budget,
        clock: Clock,
        seed: int,
        usage: Usage,
    ) -> Outcome:
        rng = np.random.default_rng(seed)
        timeout, restarts, wanted = self._plan(budget)
        overhead, spare = 0.0, None

        def sample(seconds: float, **more: int) -> NDArray[np.int8]:
            found = sampler.sample(
                bqm, num_reads=1, timeout=max(1, int(1000 * seconds)),
                seed=int(rng.integers(2**31)), **more,
            )
            usage.evaluations += 1
            return _samples(found)

        if _conversion(sampler, bqm, clock) > clock.remaining:
            reason = "the library's conversion of the model alone takes longer than the time limit"
            return Outcome(Status.TIME_LIMIT, usage=usage, reason=reason)
        if clock.limit < inf and not clock.expired:
            # The library converts the model before its own clock starts: measured on a stub.
            begin = perf_counter()
            spare = sample(0.0, num_restarts=0, coefficient_z_first=1, lower_bound_z=1)
            overhead = perf_counter() - begin
        while reads.total < wanted and not reads.progress.stopping and not clock.expired:
            seconds = min(timeout, clock.remaining - overhead)
            if seconds <= 0.0:
                break
            reads.add(sample(seconds, num_restarts=restarts))
            reads.progress.step(reads.total / wanted if wanted < inf else None)
        if spare is not None and not reads.total:
            reads.add(spare)
        return reads.outcome(usage, "", {"reads": reads.total, "seconds_per_read": timeout})

    def _plan(self, budget: Budget) -> tuple[float, int, float]:
        """Seconds and restarts of a read, and the number of reads."""
        wanted = _wanted(self.num_reads, budget)
        if budget.evaluations is not None:
            reads = min(self.num_reads or DEFAULT_READS, budget.evaluations)
            return 1e6, budget.evaluations // reads, reads
        timeout = self.timeout
        if timeout is None and budget.time_limit is not None:
            timeout = min(MOST_SECONDS, budget.time_limit / DEFAULT_READS)
        return (0.2 if timeout is None else timeout), 1_000_000, wanted


def _conversion(sampler: Any, bqm: Any, clock: Clock) -> float:
    """Seconds that the library will take to convert a large model: they grow with n squared."""
    n = bqm.num_variables
    if n <= 2 * _PROBE or clock.limit == inf:
        return 0.0
    import dimod

    part = dimod.BinaryQuadraticModel(_PROBE, "BINARY")
    begin = perf_counter()
    sampler.sample(
        part, num_reads=1, timeout=1, num_restarts=0, coefficient_z_first=1, lower_bound_z=1
    )
    return float((perf_counter() - begin) * (n / _PROBE) ** 2)


def default_betas(model: Qubo) -> tuple[float, float]:
    """First and last inverse temperature by the library's default rule, from arrays.

    The library's own loop over all couplings takes longer than the annealing of a large dense
    model, and is run again in every call. At first the spin in the strongest field flips with
    probability 1/2; at last the spins whose weakest coupling is the weakest of all are excited once
    in a hundred sweeps.
    """
    ising = model.to_ising()
    couplings = np.abs(ising.J)
    fields = np.abs(ising.h)
    weakest = np.where(fields > 0, fields, inf)
    for end in (ising.row, ising.col):
        np.add.at(fields, end, couplings)
        np.minimum.at(weakest, end, couplings)
    least = float(weakest.min(initial=inf))
    if least == inf:
        return 0.1, 1.0  # no coefficients at all: any temperature will do
    first = np.log(2.0) / (2.0 * fields.max())
    last = np.log(np.count_nonzero(weakest == least) / 0.01) / (2.0 * least)
    return float(first), float(last)


def _check_positive(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not value > 0:
            raise UsageError(f"{name} must be above 0, got {value}")


def _wanted(num_reads: int | None, budget: Budget) -> float:
    if num_reads is not None:
        return num_reads
    return DEFAULT_READS if budget.time_limit is None else inf


def _measure_sweeps(sample: Any, clock: Clock) -> tuple[float, float, int, NDArray[np.int8]]:
    """Seconds of a read beside its sweeps, of one sweep; the last short read's sweeps and answer.

    Reads grow until one takes a fiftieth of the time limit, long enough to be measured. The one
    before it tells what a read takes beside its sweeps, which on large dense models is most.
    """
    sweeps, before = 1, 0.0
    while True:
        begin = perf_counter()
        found = sample(1, sweeps)
        seconds = perf_counter() - begin
        if clock.expired or (sweeps > 1 and seconds >= 0.02 * clock.limit):
            break
        sweeps, before = PROBE_GROWTH * sweeps, seconds
    slope = (seconds - before) / (sweeps - sweeps // PROBE_GROWTH)
    per_sweep = slope if slope > 0.0 else seconds / sweeps
    return max(0.0, seconds - per_sweep * sweeps), per_sweep, sweeps, found


def _binary_quadratic_model(model: Qubo) -> Any:
    """The model as dimod's, with variables 0 to n - 1."""
    import dimod

    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        model.linear, (model.row, model.col, model.value), model.offset, "BINARY"
    )


def _samples(found: Any) -> NDArray[np.int8]:
    """Rows of a dimod sample set in the order of the variables."""
    order = np.argsort(np.array(list(found.variables), dtype=np.int64))
    return np.ascontiguousarray(found.record.sample[:, order], dtype=np.int8)


@dataclass
class _Reads:
    """The answers of all reads, with their multiplicities."""

    model: Qubo
    progress: Progress
    total: int = 0
    best: float = inf
    seen: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.penalised = self.model.penalised()

    def add(self, samples: NDArray[np.int8]) -> None:
        """Count samples, shape (reads, n), and report a better feasible one."""
        self.total += len(samples)
        for row in samples:
            key = row.tobytes()
            self.seen[key] = self.seen.get(key, 0) + 1
        kept = samples[self.model.group_violations(samples) == 0]
        if len(kept):
            best = float(self.model.energies(kept).min())
            if best < self.best:
                self.best = best
                self.progress.incumbent(best)

    def outcome(self, usage: Usage, reason: str, details: dict[str, Any]) -> Outcome:
        """All different answers, best penalised energy first."""
        if not self.seen:
            return Outcome(
                Status.TIME_LIMIT, usage=usage, reason="the budget ended before the first read",
                details=details,
            )
        n = self.model.num_variables
        answers = np.array([np.frombuffer(key, dtype=np.int8) for key in self.seen])
        answers = answers.reshape(len(self.seen), n)
        counts = np.array(list(self.seen.values()), dtype=np.int64)
        order = np.argsort(self.penalised.energies(answers), kind="stable")
        return Outcome(
            Status.FEASIBLE if self.best < inf else Status.INFEASIBLE_ANSWERS,
            answers[order],
            counts=counts[order],
            usage=usage,
            reason=reason,
            details=details,
        )
