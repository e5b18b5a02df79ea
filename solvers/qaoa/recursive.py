"""Recursive QAOA: correlations of a shallow circuit fix one spin after the other."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Ising, Qubo
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from ..exact import Exact
from . import closed_form
from .angle_search import train
from .angles import Allowance, AllowanceSpentError, train_single_layer
from .ansatz import Angles, Cost
from .closed_form import SingleLayer
from .objective import Mean
from .simulate import statevector
from .simulate.sampling import sample
from .simulate.threads import blas_threads

MOST_SPINS = 4000
"""Largest model: its couplings are held as a dense matrix."""

_ROUNDS = 25
"""About this share of the spins left is eliminated at once, where `eliminate` does not say."""

Floats = NDArray[np.float64]
Correlations = tuple[Floats, Floats]
"""Means of the spins, and of the coupled pairs."""


@dataclass(frozen=True, kw_only=True)
class RecursiveQaoa:
    """Recursive QAOA (Bravyi et al., Phys. Rev. Lett. 125, 260505, 2020).

    The strongest mean of a spin, or of a coupled pair of spins, in a trained QAOA state becomes a
    rule: the spin is fixed, or tied to the other one. The rest is solved in the same way, and
    enumerated once it is small. Groups of a model become penalties. With correlations in closed
    form (one layer, no noise, no shots) hundreds of variables are solved; no circuit is executed,
    and the time is that of this machine.

    A unit of ``budget.evaluations`` is an evaluation of the mean energy; the scan of the first
    round counts as one.

    Parameters
    ----------
    correlations : {"closed_form", "statevector"}
        Of one layer at any size, or of the simulated state of up to 26 spins.
    p : int
        Layers; more than one need the statevector.
    shots : int, optional
        With the statevector, shots of each round that the correlations are estimated from; exact
        ones if left out.
    cutoff : int
        Spins at which the rest is enumerated; at most 24.
    eliminate : int, optional
        Spins that one round eliminates; a 25th of those left if left out.
    """

    correlations: Literal["closed_form", "statevector"] = "closed_form"
    p: int = 1
    shots: int | None = None
    cutoff: int = 12
    eliminate: int | None = None

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("p", self.p, 1, 1000), ("shots", self.shots, 1, 10_000_000),
            ("cutoff", self.cutoff, 1, 24), ("eliminate", self.eliminate, 1, MOST_SPINS),
        ):
            if value is not None and not least <= value <= most:
                raise UsageError(f"{name} must be between {least} and {most}, got {value}")
        if self.correlations == "closed_form" and (self.p > 1 or self.shots is not None):
            raise UsageError(
                "correlations in closed form are those of one layer without shots; take "
                "correlations=statevector for p and shots"
            )

    def solve(self, model: Qubo, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Solve one QUBO; see `qopt.solver.Solver`.

        Raises
        ------
        SizeError
            Above 4000 variables, or 26 with the statevector.
        """
        n = model.num_variables
        if self.correlations == "statevector":
            statevector.check_size(n)
        if n > MOST_SPINS:
            raise SizeError("recursive QAOA", n, MOST_SPINS)
        usage = Usage()
        with usage.phase("setup"):
            self._warm_up(model)
        clock = budget.start()
        with usage.phase("compile"):
            rest = Remainder.of(model.penalised().to_ising())
        with usage.phase("execute"):
            search = _Search(self, budget, clock, seed, progress, usage)
            with blas_threads(budget.threads):
                spins = search.run(rest)
        usage.evaluations = search.used
        answer = ((1 - spins) // 2).astype(np.int8)
        return _outcome(model, answer, search, usage, progress)

    def _warm_up(self, model: Qubo) -> None:
        """Import and compile what the rounds run."""
        import scipy.optimize  # noqa: F401 - the import is what takes time

        closed_form.warm_up()
        Exact().solve(Qubo.from_arrays([1.0]), Budget(), 0, Progress())
        if self.correlations == "statevector":
            statevector.warm_up(Cost.of(model.penalised()))


@dataclass
class Remainder:
    """The Ising model that is left, and the rules by which the other spins follow.

    Parameters
    ----------
    h : ndarray of float64, shape (n,)
    couplings : ndarray of float64, shape (n, n)
        Symmetric.
    alive : ndarray of bool, shape (n,)
    rules : list of (int, int, int)
        Spin, the spin that it is tied to (-1: none) and the sign, in the order of elimination.
    """

    h: Floats
    couplings: Floats
    alive: NDArray[np.bool_]
    rules: list[tuple[int, int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, ising: Ising) -> "Remainder":
        """The whole model."""
        n = ising.num_spins
        couplings = np.zeros((n, n))
        couplings[ising.row, ising.col] = ising.J
        return cls(ising.h.copy(), couplings + couplings.T, np.ones(n, dtype=np.bool_))

    @property
    def spins(self) -> NDArray[np.int64]:
        """The spins that are left."""
        return np.flatnonzero(self.alive)

    def ising(self) -> Ising:
        """The model of the spins that are left, in their order."""
        spins = self.spins
        part = np.triu(self.couplings[np.ix_(spins, spins)], 1)
        row, col = np.nonzero(part)
        return Ising(self.h[spins], row, col, part[row, col])

    def tie(self, spin: int, other: int, sign: int) -> None:
        """Replace a spin by `sign` times another one, or by `sign` where `other` is -1."""
        moved = sign * self.couplings[spin]
        self.couplings[spin] = 0.0
        self.couplings[:, spin] = 0.0
        if other < 0:
            self.h += moved
        else:
            moved[other] = 0.0  # the pair's own coupling is a constant now
            self.couplings[other] += moved
            self.couplings[:, other] += moved
            self.h[other] += sign * self.h[spin]
        self.h[spin] = 0.0
        self.alive[spin] = False
        self.rules.append((spin, other, sign))

    def complete(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """All spins from those that are left, shape (n,), +1 or -1."""
        spins = np.ones(len(self.h), dtype=np.int64)
        spins[self.spins] = values
        for spin, other, sign in reversed(self.rules):
            spins[spin] = sign if other < 0 else sign * spins[other]
        return spins


class _Search:
    """The rounds of one run."""

    def __init__(
        self, options: RecursiveQaoa, budget: Budget, clock: Clock, seed: int,
        progress: Progress, usage: Usage,
    ) -> None:
        self.options, self.budget, self.clock = options, budget, clock
        self.progress, self.usage = progress, usage
        self.random = np.random.default_rng(seed)
        self.used = self.rounds = 0
        self.strengths: list[float] = []
        self.cut_short = False
        self._angles: Angles | None = None

    def run(self, rest: Remainder) -> NDArray[np.int64]:
        """All spins of the model."""
        start = len(rest.spins)
        while len(rest.spins) > self.options.cutoff:
            if self._over():
                self.cut_short = True
                return rest.complete(descend(rest.ising(), self.random))
            self._round(rest)
            self.progress.step(1.0 - len(rest.spins) / start, f"{len(rest.spins)} spins left")
        small = Qubo.from_ising(rest.ising())
        best = Exact().solve(small, Budget(), 0, Progress()).answers[0]
        return rest.complete(1 - 2 * np.asarray(best, dtype=np.int64))

    def _over(self, work: float = 1.0) -> bool:
        spent = self.budget.evaluations is not None and self.used >= self.budget.evaluations
        return spent or self.progress.stopping or self.clock.expired

    def _round(self, rest: Remainder) -> None:
        """Train, and eliminate the spins with the strongest means."""
        self.rounds += 1
        spins = rest.spins
        cost = Cost.of(Qubo.from_ising(rest.ising()))
        means, pairs = self._correlations(cost)
        count = min(
            self.options.eliminate or max(1, len(spins) // _ROUNDS),
            len(spins) - self.options.cutoff,
        )
        gone: set[int] = set()
        for strength, i, j, sign in _strongest(cost, means, pairs, self.random):
            if count == len(gone):
                break
            if i in gone or j in gone:
                continue
            rest.tie(int(spins[i]), -1 if j < 0 else int(spins[j]), sign)
            self.strengths.append(strength)
            gone.add(i)

    def _correlations(self, cost: Cost) -> Correlations:
        """Train a circuit on the rest; its means."""
        left = None
        if self.budget.evaluations is not None:
            left = max(1, self.budget.evaluations - self.used)
        allowance = Allowance(left, self._over)
        if self.options.correlations == "closed_form":
            layer = SingleLayer(cost)
            self._angles = self._single(cost, layer, allowance)
            self.used += allowance.used
            return layer.correlations(self._angles.gammas[0]).at(self._angles.betas[0])
        simulator = statevector.Statevector(cost, self.budget.threads)
        trained = train(simulator, self.options.p, Mean(), allowance)
        self.used += trained.evaluations
        probabilities = simulator.probabilities(trained.angles)
        if self.options.shots is not None:
            drawn = sample(probabilities, self.options.shots, self.random)
            probabilities = np.bincount(drawn, minlength=len(probabilities)) / self.options.shots
            self.usage.shots += self.options.shots
            self.usage.circuits += 1
        return means_of(probabilities, cost)

    def _single(self, cost: Cost, layer: SingleLayer, allowance: Allowance) -> Angles:
        """Angles of one layer: a scan in the first round, then a descent from the last ones."""
        if self._angles is None:
            allowance.used += 1
            return train_single_layer(cost, self._over)
        from scipy.optimize import minimize

        start = np.array(self._angles.flat)

        def mean(flat: Floats) -> float:
            allowance.spend()
            return layer.value(flat[0], flat[1])

        with suppress(AllowanceSpentError):
            before = mean(start)
            found = minimize(mean, start, method="L-BFGS-B", options={"maxiter": 10})
            if found.fun <= before:
                return Angles.split(found.x)
        return Angles.split(start)


def _strongest(
    cost: Cost, means: Floats, pairs: Floats, random: np.random.Generator
) -> Iterator[tuple[float, int, int, int]]:
    """Strength, spin, other spin (-1: none) and sign, strongest first; ties in random order."""
    row, col = cost.ising.row, cost.ising.col
    values = np.concatenate([means, pairs])
    # What differs by rounding only is a tie: the order of equal ones must not depend on it.
    strength = np.round(np.abs(values), 9)
    order = np.lexsort((random.random(len(values)), -strength))
    for k in order.tolist():
        sign = 1 if values[k] >= 0.0 else -1
        if k < len(means):
            yield float(strength[k]), k, -1, sign
        else:
            e = k - len(means)
            yield float(strength[k]), int(col[e]), int(row[e]), sign


def means_of(probabilities: Floats, cost: Cost) -> Correlations:
    """Means of the spins and of the coupled pairs of a distribution over basis states.

    All of them are entries of its Walsh-Hadamard transform.
    """
    n = cost.qubits
    transform = probabilities.astype(np.float64)
    for bit in range(n):
        parts = transform.reshape(-1, 2, 1 << bit)
        low, high = parts[:, 0].copy(), parts[:, 1].copy()
        parts[:, 0], parts[:, 1] = low + high, low - high
    row, col = cost.ising.row, cost.ising.col
    return transform[1 << np.arange(n)], transform[(1 << row) | (1 << col)]


def descend(ising: Ising, random: np.random.Generator) -> NDArray[np.int64]:
    """A local minimum of an Ising model: single spins are flipped from a random start."""
    n = ising.num_spins
    couplings = np.zeros((n, n))
    couplings[ising.row, ising.col] = ising.J
    couplings += couplings.T
    spins = random.choice(np.array([-1, 1]), size=n)
    field = ising.h + couplings @ spins
    while n and float((gains := 2.0 * spins * field).max()) > 1e-12:
        i = int(np.argmax(gains))
        spins[i] = -spins[i]
        field += 2.0 * spins[i] * couplings[i]
    return np.asarray(spins, dtype=np.int64)


def _outcome(
    model: Qubo, answer: NDArray[np.int8], search: _Search, usage: Usage, progress: Progress
) -> Outcome:
    """The one answer, and how its spins were decided."""
    options = search.options
    kept = int(model.group_violations(answer[None])[0]) == 0
    if kept:
        progress.incumbent(model.energy(answer))
    details = {
        "rounds": search.rounds,
        "eliminated": len(search.strengths),
        "weakest_mean": min(search.strengths, default=None),
        "strongest_mean": max(search.strengths, default=None),
    }
    how = {
        True: "exact correlations of one layer in closed form",
        False: f"correlations of {options.p} layers on the statevector, "
        + ("exact" if options.shots is None else f"{options.shots} shots a round"),
    }[options.correlations == "closed_form"]
    ended = "; ended early: the rest by greedy descent" if search.cut_short else ""
    if options.shots is not None:
        usage.device, usage.simulated, usage.hypothetical = "statevector", True, True
        usage.qubits = model.num_variables
    return Outcome(
        Status.FEASIBLE if kept else Status.INFEASIBLE_ANSWERS, answer[None], usage=usage,
        reason=f"{search.rounds} rounds, {how}{ended}", details=details,
    )
