"""Job-shop scheduling: the shortest makespan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, SizeError, UsageError
from qopt.forms import Form, Group, Lowering, Program, Qubo
from qopt.forms.program import Comparator
from qopt.problem import Reference, Score, Sense, Violation

from .encode import WHOLE, choices, lower_with, one_of, whole_answer
from .formats.jobshop import read_job_shop

MOST_BITS = 10_000
"""Bits of the largest time-indexed QUBO."""

NEVER = -1
"""Start of an operation that has none."""

_Row = tuple[str, list[int], list[float], Comparator, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class JobShop:
    """Schedule jobs on machines, one job at a time on each, so that the last one ends early.

    Operation ``(j, o)`` is the `o`-th of job `j`; the operations of a job follow one another in
    this order. An answer is an array of int64, shape (jobs, operations): the start of each one,
    with -1 for an operation that has no start. The objective is the makespan, the latest end.

    Parameters
    ----------
    name : str
    machines : array-like of int, shape (jobs, operations)
        The machine of each operation, counted from 0.
    durations : array-like of int, shape (jobs, operations)
        In whole units of time, at least 0.
    reference : Reference, optional

    Raises
    ------
    InputError
        Where shapes disagree, or a machine or duration is negative or not whole.
    """

    kind: ClassVar[str] = "job-shop"

    name: str
    machines: NDArray[np.int64] = field(repr=False)
    durations: NDArray[np.int64] = field(repr=False)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        for part in ("machines", "durations"):
            given = np.asarray(getattr(self, part))
            if given.ndim != 2 or not given.size:
                raise InputError(f"{part} of a job shop must be a table of jobs and operations")
            if given.dtype.kind not in "iu" or (given < 0).any():
                raise InputError(f"{part} of a job shop must be whole numbers of at least 0")
            object.__setattr__(self, part, given.astype(np.int64))
        if self.machines.shape != self.durations.shape:
            raise InputError(
                f"machines have shape {self.machines.shape}, durations {self.durations.shape}"
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file in the standard layout of Taillard and JSPLIB."""
        machines, durations = read_job_shop(path)
        return cls(name=path.stem, machines=machines, durations=durations)

    @property
    def sense(self) -> Sense:
        """The makespan is minimised."""
        return "minimise"

    def data(self) -> Mapping[str, Any]:
        """Machines and durations."""
        return {"machines": self.machines, "durations": self.durations}

    def describe(self) -> Mapping[str, Any]:
        """Size, and between which makespans the optimum lies."""
        jobs, operations = self.machines.shape
        return {
            "jobs": jobs,
            "machines": len(np.unique(self.machines)),
            "operations": jobs * operations,
            "makespan_at_least": self.lower_bound,
            "makespan_at_most": self.makespan_of(self.greedy),
        }

    # -- bounds and schedules -----------------------------------------------------------------

    @cached_property
    def heads(self) -> NDArray[np.int64]:
        """Time that a job needs before each operation, shape (jobs, operations)."""
        return np.asarray(np.cumsum(self.durations, axis=1) - self.durations)

    @cached_property
    def tails(self) -> NDArray[np.int64]:
        """Time that a job needs behind each operation, shape (jobs, operations)."""
        whole = self.durations.sum(axis=1, keepdims=True)
        return np.asarray(whole - self.heads - self.durations)

    @cached_property
    def lower_bound(self) -> int:
        """No makespan is below: the longest job, and what each machine has to do.

        A machine cannot start before the least head of its operations, nor may it end within the
        least tail of them.
        """
        best = int(self.durations.sum(axis=1).max())
        for machine in np.unique(self.machines).tolist():
            here = self.machines == machine
            busy = self.durations[here].sum() + self.heads[here].min() + self.tails[here].min()
            best = max(best, int(busy))
        return best

    @cached_property
    def greedy(self) -> NDArray[np.int64]:
        """A feasible schedule: the best of those that some rules make, shape (jobs, operations).

        B. Giffler and G. L. Thompson, "Algorithms for solving production-scheduling problems",
        Operations Research 8, 1960: of the operations that compete with the one that would end
        first, a rule chooses the next. The rules are the longest remaining job, the shortest and
        the longest operation, and random draws from a fixed seed.
        """
        rng = np.random.default_rng(0)
        left = self.tails + self.durations
        rules = [-left.astype(float), self.durations.astype(float), -self.durations.astype(float)]
        rules += [-left * rng.uniform(0.5, 1.5, left.shape) for _ in range(100)]
        return min((self._schedule(rule) for rule in rules), key=self.makespan_of)

    def _schedule(self, priority: NDArray[np.float64]) -> NDArray[np.int64]:
        jobs, operations = self.machines.shape
        starts = np.zeros_like(self.durations)
        place = [0] * jobs
        job_free = [0] * jobs
        machine_free = dict.fromkeys(np.unique(self.machines).tolist(), 0)
        machines, durations = self.machines.tolist(), self.durations.tolist()
        for _ in range(jobs * operations):
            open_ = [
                (j, place[j], max(job_free[j], machine_free[machines[j][place[j]]]))
                for j in range(jobs) if place[j] < operations
            ]
            j, o, begin = min(open_, key=lambda item: item[2] + durations[item[0]][item[1]])
            machine, end = machines[j][o], begin + durations[j][o]
            rivals = [item for item in open_ if machines[item[0]][item[1]] == machine
                      and (item[2] < end or item[:2] == (j, o))]
            j, o, begin = min(rivals, key=lambda item: (priority[item[0], item[1]], item[0]))
            starts[j, o] = begin
            job_free[j] = machine_free[machine] = begin + durations[j][o]
            place[j] += 1
        return starts

    def makespan_of(self, starts: NDArray[np.int64]) -> int:
        """The latest end of an operation that has a start; 0 where none has."""
        done = starts >= 0
        return int((starts + self.durations)[done].max(initial=0))

    def _horizon(self, horizon: int | None) -> tuple[int, bool]:
        """The latest end that a model allows, and whether a schedule is known that keeps it."""
        known = self.makespan_of(self.greedy)
        if horizon is None:
            return known, True
        if horizon < self.lower_bound:
            raise UsageError(
                f"no schedule ends by horizon={horizon}: the makespan is at least "
                f"{self.lower_bound}"
            )
        return horizon, horizon >= known

    def _rivals(self) -> Iterator[tuple[int, int]]:
        """Pairs of operations of different jobs on one machine, by their places in the table."""
        operations = self.machines.shape[1]
        for machine in np.unique(self.machines).tolist():
            here = np.flatnonzero(self.machines.ravel() == machine).tolist()
            for a, b in combinations(here, 2):
                if a // operations != b // operations:
                    yield a, b

    def _title(self, place: int) -> str:
        job, operation = divmod(place, self.machines.shape[1])
        return f"job {job + 1} operation {operation + 1}"

    def _following(self) -> Iterator[tuple[int, int]]:
        """Each operation with the next one of its job, by their places in the table."""
        jobs, operations = self.machines.shape
        for j in range(jobs):
            for o in range(operations - 1):
                yield j * operations + o, j * operations + o + 1

    # -- models -------------------------------------------------------------------------------

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Program` or `Qubo`; the option of both is `horizon`."""
        return lower_with(self, form, options)

    def to_program(self, *, horizon: int | None = None) -> Lowering[Program]:
        """Starts as whole numbers, and a bit for each two operations on a machine: which is first.

        The order is imposed by big-M constraints whose constants come from the time windows that
        the horizon leaves; where the windows leave one order only, it has no bit.

        Parameters
        ----------
        horizon : int, optional
            Latest end of an operation. Left out, the makespan of a schedule that is found by rules.
        """
        end, complete = self._horizon(horizon)
        n = self.durations.size
        early = self.heads.ravel().astype(float)
        duration = self.durations.ravel().astype(float)
        late = end - self.tails.ravel() - duration
        rows: list[_Row] = [
            (f"{self._title(b)} after {self._title(a)}", [b, a], [1.0, -1.0], ">=", duration[a])
            for a, b in self._following()
        ]
        rows += [
            (f"{self._title(a)} before the makespan", [n, a], [1.0, -1.0], ">=", duration[a])
            for a in range(n) if (a + 1) % self.machines.shape[1] == 0
        ]
        orders: list[tuple[int, int]] = []
        for a, b in self._rivals():
            rows += self._one_first(a, b, early, late, orders)
        program = Program.build(
            linear=np.concatenate([np.zeros(n), [1.0], np.zeros(len(orders))]),
            lower=np.concatenate([early, [self.lower_bound], np.zeros(len(orders))]),
            upper=np.concatenate([late, [end], np.ones(len(orders))]),
            constraints=rows,
            names=[f"s{p // self.machines.shape[1] + 1}_{p % self.machines.shape[1] + 1}"
                   for p in range(n)]
            + ["makespan"]
            + [f"first {self._title(a)} then {self._title(b)}" for a, b in orders],
        )

        def encode(answer: Any) -> NDArray[np.float64]:
            starts = self._check(answer)
            flat = starts.ravel()
            ahead = [float(flat[a] + self.durations.ravel()[a] <= flat[b]) for a, b in orders]
            return np.concatenate([flat, [self.makespan_of(starts)], ahead])

        return Lowering(
            program, decode=self._from_starts, encode=encode, complete=complete,
            notes=(f"horizon {end}, {len(orders)} orders left open",),
        )

    def _one_first(
        self, a: int, b: int, early: NDArray[np.float64], late: NDArray[np.float64],
        orders: list[tuple[int, int]],
    ) -> list[_Row]:
        """That one of two operations on a machine ends before the other starts."""
        long = self.durations.ravel().astype(float)
        ways = []
        for first, then in ((a, b), (b, a)):
            title = f"{self._title(first)} before {self._title(then)}"
            ways.append((first, then, title, early[first] + long[first] <= late[then]))
        if long[a] == 0.0 and long[b] == 0.0:
            return []  # nothing overlaps a moment without length
        possible = [way for way in ways if way[3]]
        if len(possible) < 2:
            # Neither way: the constraint that is kept cannot be met, and says which.
            first, then, title, _ = (possible or ways)[0]
            return [(title, [then, first], [1.0, -1.0], ">=", float(long[first]))]
        bit = self.durations.size + 1 + len(orders)
        orders.append((a, b))
        rows: list[_Row] = []
        for (first, then, title, _), ahead in zip(ways, (True, False), strict=True):
            big = float(late[first] + long[first] - early[then])
            if big <= 0.0:
                continue  # the windows keep them apart
            # start_then >= start_first + duration - big * (1 - bit), and with the bit turned round
            sign, right = (-big, long[first] - big) if ahead else (big, long[first])
            rows.append((title, [then, first, bit], [1.0, -1.0, sign], ">=", float(right)))
        return rows

    def _from_starts(self, values: Any) -> NDArray[np.int64]:
        x = np.asarray(values, dtype=np.float64)[: self.durations.size]
        with np.errstate(invalid="ignore"):
            good = np.isfinite(x) & (np.abs(x - np.rint(x)) <= WHOLE) & (x > -0.5)
        return np.where(good, np.rint(np.where(good, x, 0.0)), NEVER).astype(np.int64).reshape(
            self.durations.shape
        )

    def to_qubo(self, *, horizon: int | None = None) -> Lowering[Qubo]:
        """One bit for each operation and each start that its window leaves; one of them is set.

        Two starts that overlap on a machine, or break the order of a job, cost a penalty. The
        makespan is the lower bound plus one bit for each later unit of time, set where an operation
        ends after it. No term of the energy is negative, so that a penalty above the difference of
        a known makespan and the lower bound suffices for every fault, a missing start included: the
        answer then has more energy than a known schedule. The time-indexed model grows with the
        horizon; it is meant for small instances.

        Parameters
        ----------
        horizon : int, optional
            Latest end of an operation. Left out, the makespan of a schedule that is found by rules.
        """
        end, complete = self._horizon(horizon)
        least = self.lower_bound
        duration = self.durations.ravel()
        early, late = self.heads.ravel(), end - self.tails.ravel() - duration
        windows = [
            list(range(a, b + 1)) for a, b in zip(early.tolist(), late.tolist(), strict=True)
        ]
        start = np.cumsum([0, *(len(window) for window in windows)])
        size = int(start[-1]) + end - least
        if size > MOST_BITS:
            raise SizeError("the time-indexed model", size, MOST_BITS, "bits",
                            "take a smaller horizon, coarser units of time or the form 'program'")
        price = float(end - least + 1)
        pairs = [*self._clashes(windows, start), *self._delays(windows, start, least)]
        row, col, value = (np.concatenate(part) for part in zip(*pairs, strict=True))
        linear = np.zeros(size)
        linear[start[-1]:] = 1.0
        late_ends = value < 0.0
        np.add.at(linear, row[late_ends], 1.0)
        qubo = Qubo.from_arrays(
            linear, row, col, np.where(late_ends, -1.0, price), offset=float(least),
            labels=[f"{self._title(p)} at {t}" for p, w in enumerate(windows) for t in w]
            + [f"later than {t}" for t in range(least, end)],
            groups=[
                Group(tuple(range(start[p], start[p + 1])), 1, price, f"start of {self._title(p)}")
                for p in range(len(windows))
            ],
        )

        def encode(answer: Any) -> NDArray[np.float64]:
            starts = self._check(answer)
            later = np.arange(least, end) < self.makespan_of(starts)
            return np.concatenate([choices(starts.ravel(), windows, "start"), later])

        return Lowering(
            qubo,
            decode=lambda sample: one_of(sample, windows).reshape(self.durations.shape),
            encode=encode,
            complete=complete,
            notes=(
                f"{size} bits: starts in windows up to the horizon {end}, and {end - least} for "
                "the makespan",
                f"a fault costs {price:g} (proven sufficient where a schedule keeps the horizon)",
            ),
        )

    def _clashes(
        self, windows: list[list[int]], start: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """Pairs of starts that cannot be together, with the value 1."""
        long = self.durations.ravel().tolist()
        ordered = [(a, b, True) for a, b in self._following()]
        for a, b, chained in [*ordered, *((a, b, False) for a, b in self._rivals())]:
            s, t = np.array(windows[a])[:, None], np.array(windows[b])[None, :]
            bad = t < s + long[a]
            if not chained:
                bad = bad & (s < t + long[b])
            i, j = np.nonzero(bad)
            yield start[a] + i, start[b] + j, np.ones(len(i))

    def _delays(
        self, windows: list[list[int]], start: NDArray[np.int64], least: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """Pairs of a last start and a unit of time that ends before it does, with the value -1."""
        operations = self.machines.shape[1]
        for p in range(operations - 1, len(windows), operations):
            ends = np.array(windows[p]) + int(self.durations.ravel()[p])
            i, j = np.nonzero(ends[:, None] > np.arange(least, least + max(ends.max() - least, 0)))
            yield start[p] + i, start[-1] + j, np.full(len(i), -1.0)

    # -- answers ------------------------------------------------------------------------------

    def score(self, answer: Any) -> Score:
        """The makespan; overlaps and broken orders are violations, by the time they are off."""
        starts = self._check(answer)
        flat, long = starts.ravel(), self.durations.ravel()
        violations = [
            Violation(f"{self._title(p)} has no start", 1.0)
            for p in np.flatnonzero(flat < 0).tolist()
        ]
        for a, b in self._following():
            gap = int(flat[a] + long[a] - flat[b])
            if flat[a] >= 0 and flat[b] >= 0 and gap > 0:
                text = f"{self._title(b)} starts {gap} before {self._title(a)} ends"
                violations.append(Violation(text, float(gap)))
        for a, b in self._rivals():
            overlap = int(min(flat[a] + long[a] - flat[b], flat[b] + long[b] - flat[a]))
            if flat[a] >= 0 and flat[b] >= 0 and overlap > 0:
                text = (
                    f"machine {self.machines.ravel()[a]}: {self._title(a)} and {self._title(b)} "
                    f"overlap by {overlap}"
                )
                violations.append(Violation(text, float(overlap)))
        return Score(float(self.makespan_of(starts)), tuple(violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """What each machine does when: job, start and end, in the order of starts."""
        starts = self._check(answer)
        ends = starts + self.durations
        plan: dict[str, list[dict[str, int]]] = {}
        for machine in np.unique(self.machines).tolist():
            here = [(int(starts[j, o]), int(ends[j, o]), int(j) + 1)
                    for j, o in zip(*np.nonzero(self.machines == machine), strict=True)]
            plan[f"machine {machine}"] = [
                {"job": job, "start": start, "end": end} for start, end, job in sorted(here)
            ]
        return {"schedule": plan}

    def encode_answer(self, answer: Any) -> Any:
        """The starts of each job's operations; null for none."""
        return [[None if s < 0 else s for s in row] for row in self._check(answer).tolist()]

    def decode_answer(self, data: Any) -> Any:
        """Starts from what `encode_answer` wrote."""
        return self._check([[NEVER if s is None else s for s in row] for row in data])

    def _check(self, answer: Any) -> NDArray[np.int64]:
        starts = np.asarray(answer)
        if starts.shape != self.durations.shape:
            raise UsageError(
                f"an answer has one start for each of {self.durations.shape} jobs and operations, "
                f"got shape {starts.shape}"
            )
        return whole_answer(starts, "starts")
