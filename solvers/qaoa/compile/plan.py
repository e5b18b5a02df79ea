"""One layer of a cost on a device: its steps in order, and how they fit together in time."""

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .target import Couplings

TERM_GATES = 2
"""Controlled-not gates of a term ``exp(-i t/2 ZZ)``."""

SWAP_GATES = 3
"""Those of a swap, with or without the term of its pair."""


class Step(NamedTuple):
    """What is done on two coupled places.

    Parameters
    ----------
    first, second : int
        Places.
    term : int
        Number of the term that is applied; -1 for none.
    swapped : bool
        Whether the places change their variables.
    """

    first: int
    second: int
    term: int
    swapped: bool

    @property
    def gates(self) -> int:
        """Controlled-not gates."""
        return SWAP_GATES if self.swapped else TERM_GATES


@dataclass(frozen=True, eq=False)
class Plan:
    """Every term of a cost once, on the places of a device.

    Parameters
    ----------
    start, end : ndarray of int64, shape (variables,)
        The place of each variable before and after.
    steps : tuple of Step
        In an order in which they can be done.
    method : str
        Who made it, in words.
    """

    start: NDArray[np.int64] = field(repr=False)
    end: NDArray[np.int64] = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)
    method: str = ""

    @property
    def gates(self) -> int:
        """Controlled-not gates of a layer."""
        return sum(step.gates for step in self.steps)

    @property
    def depth(self) -> int:
        """Longest chain of them."""
        free: dict[int, int] = {}
        for step in self.steps:
            done = max(free.get(step.first, 0), free.get(step.second, 0)) + step.gates
            free[step.first] = free[step.second] = done
        return max(free.values(), default=0)

    def reversed(self) -> "Plan":
        """The same terms from the end to the start: every second layer of a circuit."""
        return Plan(self.end, self.start, self.steps[::-1], self.method)

    def used(self) -> set[int]:
        """Places that take part."""
        ends = {place for step in self.steps for place in (step.first, step.second)}
        return ends | set(self.start.tolist())

    def loss(self, couplings: Couplings, layers: int) -> float:
        """About ``-log`` of the probability that nothing fails in so many layers.

        Two-qubit gates, readout and waiting; one-qubit gates are left out, for all plans have about
        as many.
        """
        free, begun, busy = (np.zeros(couplings.places) for _ in range(3))
        begun[:] = np.inf
        gates = 0.0
        for step in self.steps:
            a, b = step.first, step.second
            coupling = couplings.number[min(a, b), max(a, b)]
            gates += step.gates * couplings.costs[coupling]
            length = step.gates * couplings.seconds[coupling]
            start = max(free[a], free[b])
            for place in (a, b):
                begun[place] = min(begun[place], start)
                busy[place] += length
                free[place] = start + length
        last = self.end if layers % 2 else self.start
        end = layers * float(free.max(initial=0.0))
        met = np.isfinite(begun)
        waits = np.where(met, end - np.where(met, begun, 0.0) - layers * busy, 0.0)
        readout = float(couplings.readout[last].sum())
        return layers * gates + readout + float(couplings.decay @ waits)


def check_plan(plan: Plan, terms: NDArray[np.int64], couplings: Couplings) -> None:
    """Refuse a plan that does not do every term once on coupled places, or ends elsewhere.

    Raises
    ------
    AssertionError
        This is a fault of ours, never of the user.
    """
    coupled = {(int(a), int(b)) for a, b in couplings.pairs}
    holder = {int(place): variable for variable, place in enumerate(plan.start)}
    done: list[int] = []
    for step in plan.steps:
        ends = step.first, step.second
        assert (min(ends), max(ends)) in coupled, f"places {ends} are not coupled"
        if step.term >= 0:
            pair = {holder[step.first], holder[step.second]}
            assert pair == set(terms[step.term].tolist()), f"term {step.term} on other variables"
            done.append(step.term)
        if step.swapped:
            u, v = holder.pop(step.first, None), holder.pop(step.second, None)
            if v is not None:
                holder[step.first] = v
            if u is not None:
                holder[step.second] = u
    assert sorted(done) == list(range(len(terms))), "not every term is done once"
    assert holder == {int(p): i for i, p in enumerate(plan.end)}, "variables end elsewhere"


def plan_of(
    swaps: NDArray[np.int64], start: NDArray[np.int64], terms: NDArray[np.int64],
    couplings: Couplings, method: str,
) -> Plan:
    """The plan of a sequence of swaps that makes neighbours of all variables with a common term.

    A term joins the first swap of its two places. Every other one is done while its variables are
    neighbours, whenever both wait anyway: among what can begin, what the longest chain of swaps
    waits for goes first (list scheduling).

    Parameters
    ----------
    swaps : ndarray of int64, shape (swaps, 2)
        Places.
    start : ndarray of int64, shape (variables,)
    terms : ndarray of int64, shape (terms, 2)
        Variables.
    couplings : Couplings
    method : str
    """
    return _Scheduler(swaps, start, terms, couplings).plan(method)


class _Window(NamedTuple):
    """When two variables are neighbours: how many swaps each place has seen, and who ends it."""

    first: int
    second: int
    seen: tuple[int, int]
    closed_by: int


class _Scheduler:
    """List scheduling of swaps and of the terms that none of them takes along."""

    def __init__(
        self, swaps: NDArray[np.int64], start: NDArray[np.int64], terms: NDArray[np.int64],
        couplings: Couplings,
    ) -> None:
        self.swaps = [(int(a), int(b)) for a, b in swaps]
        self.start = start
        self.number = {(min(u, v), max(u, v)): k for k, (u, v) in enumerate(terms.tolist())}
        offsets, ways, _ = couplings.neighbours
        self.beside = [ways[offsets[p]:offsets[p + 1]].tolist() for p in range(couplings.places)]
        self.holder = [-1] * couplings.places
        for variable, place in enumerate(start.tolist()):
            self.holder[place] = variable
        self.term_of = self._taken_along()
        self.windows = self._windows()

    def _term(self, holder: list[int], a: int, b: int) -> int:
        u, v = holder[a], holder[b]
        return self.number.get((min(u, v), max(u, v)), -1) if u >= 0 and v >= 0 else -1

    def _taken_along(self) -> list[int]:
        """The term that each swap takes along; -1 for none."""
        holder, taken, found = list(self.holder), set(), []
        for a, b in self.swaps:
            term = self._term(holder, a, b)
            found.append(-1 if term in taken else term)
            taken.add(term)
            holder[a], holder[b] = holder[b], holder[a]
        return found

    def _windows(self) -> dict[int, list[_Window]]:
        """When the variables of each other term are neighbours."""
        taken, holder = set(self.term_of), list(self.holder)
        seen = [0] * len(holder)
        open_: dict[int, tuple[int, int, tuple[int, int]]] = {}
        windows: dict[int, list[_Window]] = {}

        def look(a: int, b: int) -> None:
            term = self._term(holder, a, b)
            if term >= 0 and term not in taken:
                open_[term] = (a, b, (seen[a], seen[b]))

        for a, near in enumerate(self.beside):
            for b in near:
                look(a, b)
        for k, (a, b) in enumerate(self.swaps):
            for p in (a, b):
                for q in self.beside[p]:
                    term = self._term(holder, p, q)
                    if term in open_:
                        windows.setdefault(term, []).append(_Window(*open_.pop(term), k))
            holder[a], holder[b] = holder[b], holder[a]
            seen[a] += 1
            seen[b] += 1
            for p in (a, b):
                for q in self.beside[p]:
                    look(p, q)
        for term, begun in open_.items():
            windows.setdefault(term, []).append(_Window(*begun, len(self.swaps)))
        return windows

    def plan(self, method: str) -> Plan:
        """The steps in the order in which they begin."""
        steps = self._schedule()
        holder = list(self.holder)
        for step in steps:
            if step.swapped:
                a, b = step.first, step.second
                holder[a], holder[b] = holder[b], holder[a]
        end = np.empty(len(self.start), dtype=np.int64)
        for place, variable in enumerate(holder):
            if variable >= 0:
                end[variable] = place
        return Plan(self.start, end, tuple(steps), method)

    def _chains(self) -> list[int]:
        """Gates from the beginning of each swap to the end of all that waits for it."""
        tail: dict[int, int] = {}
        chains = [0] * len(self.swaps)
        for k in range(len(self.swaps) - 1, -1, -1):
            a, b = self.swaps[k]
            chains[k] = SWAP_GATES + max(tail.get(a, 0), tail.get(b, 0))
            tail[a] = tail[b] = chains[k]
        return chains

    def _schedule(self) -> list[Step]:
        chains = [*self._chains(), 0]
        queue: list[list[int]] = [[] for _ in self.beside]
        for k, ends in enumerate(self.swaps):
            for p in ends:
                queue[p].append(k)
        waiting = dict(self.windows)
        last_chance: dict[int, list[int]] = {}  # terms that a swap would leave undone
        for term, windows in waiting.items():
            last = windows[-1]
            for p, done in zip((last.first, last.second), last.seen, strict=True):
                if done < len(queue[p]):
                    last_chance.setdefault(queue[p][done], []).append(term)
        seen, free = [0] * len(queue), [0] * len(queue)
        steps: list[Step] = []
        times, left = [0], len(self.swaps)
        while waiting or left:
            clock = heapq.heappop(times)
            ready: list[tuple[int, int, Step]] = []
            for p, own in enumerate(queue):
                if seen[p] < len(own) and free[p] <= clock:
                    k = own[seen[p]]
                    a, b = self.swaps[k]
                    q = a + b - p
                    if (
                        p < q and free[q] <= clock and queue[q][seen[q]] == k
                        and not any(term in waiting for term in last_chance.get(k, ()))
                    ):
                        ready.append((-chains[k], k, Step(a, b, self.term_of[k], True)))
            for term, windows in waiting.items():
                for a, b, own_seen, _ in windows:
                    if (seen[a], seen[b]) == own_seen and free[a] <= clock and free[b] <= clock:
                        urgency = TERM_GATES + chains[windows[-1].closed_by]
                        ready.append((-urgency, left + term, Step(a, b, term, False)))
            for _, _, step in sorted(ready):
                a, b = step.first, step.second
                if free[a] > clock or free[b] > clock:
                    continue
                if step.swapped:
                    seen[a] += 1
                    seen[b] += 1
                    left -= 1
                else:
                    del waiting[step.term]
                steps.append(step)
                free[a] = free[b] = clock + step.gates
                heapq.heappush(times, free[a])
        return steps
