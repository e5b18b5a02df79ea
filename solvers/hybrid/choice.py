"""Which variables a subproblem opens."""

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from . import kernels
from .incumbent import Incumbent
from .solver import Choose

SHORTLIST = 2
"""Variables of great impact among which a subproblem is drawn, per variable of it."""

GROUPS_OPEN = 3
"""Whole groups that a subproblem must have room for to be made of them."""

UNDECIDED = 0.25
"""Share of the mean change by a flip up to which a smaller one makes no great difference."""


def suited(incumbent: Incumbent, size: int) -> Choose:
    """The way of choosing that suits a model; what ``auto`` stands for.

    Parameters
    ----------
    incumbent : Incumbent
    size : int
        Variables of a subproblem.
    """
    model = incumbent.model
    if len(model.home) <= len(model.free):
        return "graph"
    return "groups" if GROUPS_OPEN * np.median(np.diff(model.bounds)) <= size else "graph"


class Chooser:
    """Chooses the variables of subproblem after subproblem.

    Passes go over all variables: within one, what was open already comes last (D-Wave's "rolling"
    decomposition). A member of a group is open only together with one that it can swap with.

    Parameters
    ----------
    incumbent : Incumbent
        Looked at anew for each subproblem.
    size : int
        Variables of a subproblem at most.
    how : {"impact", "graph", "groups", "random"}
        ``impact`` takes what would change the energy most when flipped (Booth, Reinhardt and Roy,
        "Partitioning optimization problems for hybrid classical/quantum execution", D-Wave
        technical report 14-1006A, 2017): as many as needed, drawn among twice as many. ``graph``
        begins with a random variable, and always adds the one most strongly coupled to those it
        has, so that they hang together, and rather one that costs little to flip. ``groups`` does
        the same with whole groups. ``random`` draws.
    rng : Generator
        Gives what is drawn once for the run.
    """

    def __init__(self, incumbent: Incumbent, size: int, how: Choose, rng: Generator) -> None:
        self._incumbent = incumbent
        self._size = size
        self._how = how
        n = len(incumbent.x)
        self._fresh = incumbent.able.copy()
        self._taken = np.zeros(n, dtype=bool)
        self._strength = np.zeros(n)
        self._noise = rng.uniform(0.5, 1.0, size=n)

    def next(self, rng: Generator) -> NDArray[np.int64]:
        """The variables of the next subproblem, shape (at most size,), each once.

        Parameters
        ----------
        rng : Generator
            Everything drawn for this subproblem flows from it.
        """
        if not self._fresh.any():
            self._fresh[:] = self._incumbent.able
        self._taken[:] = False
        self._opposite = np.zeros((len(self._incumbent.model.sizes), 2), dtype=np.int64)
        self._chosen = np.zeros(self._size, dtype=np.int64)
        self._count = 0
        if int(self._incumbent.able.sum()) <= self._size:
            self._collect(np.flatnonzero(self._incumbent.able))
        elif self._how == "graph":
            self._grow(rng)
        elif self._how == "groups":
            self._whole_groups(rng)
        else:
            self._collect(self._ranked(rng))
        chosen = self._chosen[: self._count].copy()
        self._fresh[chosen] = False
        return chosen

    # -- by variables -----------------------------------------------------------------------------

    def _ranked(self, rng: Generator) -> NDArray[np.int64]:
        """Variables in the order in which they are wanted: those that were not open first."""
        fresh = np.flatnonzero(self._fresh)
        late = np.flatnonzero(self._incumbent.able & ~self._fresh)
        if self._how == "random":
            return np.concatenate([rng.permutation(fresh), rng.permutation(late)])
        impact = self._impacts()
        short = SHORTLIST * self._size
        if len(fresh) > short:
            top = np.argpartition(-impact[fresh], short - 1)
            return np.concatenate([rng.permutation(fresh[top[:short]]), fresh[top[short:]]])
        order = late[np.argsort(-impact[late], kind="stable")]
        return np.concatenate([rng.permutation(fresh), order])

    def _impacts(self) -> NDArray[np.float64]:
        """Size of the change by each flip, and of each member's swap with its best partner."""
        now = self._incumbent
        impact: NDArray[np.float64] = np.abs(now.field).astype(np.float64)
        home, begin = now.model.home, now.model.bounds[:-1]
        if len(home):
            field, ones = now.field[home].astype(np.float64), now.x[home] == 1
            best_one = np.maximum.reduceat(np.where(ones, field, -np.inf), begin)
            best_zero = np.minimum.reduceat(np.where(ones, np.inf, field), begin)
            group = now.owner[home]
            impact[home] = np.abs(
                np.where(ones, best_zero[group] - field, field - best_one[group])
            )
        return impact

    # -- by couplings -----------------------------------------------------------------------------

    def _grow(self, rng: Generator) -> None:
        """Variables that hang together, around one that was not open yet."""
        now = self._incumbent
        # Further seeds are for models that fall into parts smaller than a subproblem.
        seeds = rng.choice(np.flatnonzero(self._fresh), size=self._size)
        appeal = self._appeal(rng)
        for seed in seeds:
            if self._count >= self._size:
                return
            if not self._taken[seed]:
                self._count = kernels.grow(
                    seed, self._size, now.rows, now.able, self._strength, appeal, *self._state()
                )

    def _appeal(self, rng: Generator) -> NDArray[np.float64]:
        """What multiplies the couplings of each variable: more where a flip costs little.

        Chains of flips lead downhill over what is nearly undecided; and chance keeps the same
        variable from having the same neighbours in every pass.
        """
        impact = self._impacts()
        typical = float(impact[self._incumbent.able].mean()) or 1.0
        chance = np.roll(self._noise, int(rng.integers(len(impact))))
        appeal: NDArray[np.float64] = chance / (UNDECIDED + impact / typical)
        return appeal

    def _whole_groups(self, rng: Generator) -> None:
        """Whole groups that hang together, and then free variables; parts of a group too large."""
        now = self._incumbent
        bounds, home = now.model.bounds, now.model.home
        fresh = np.unique(now.owner[np.flatnonzero(self._fresh & (now.owner >= 0))])
        groups = len(now.model.sizes)
        group = int(rng.choice(fresh)) if len(fresh) else int(rng.integers(groups))
        left = np.ones(groups, dtype=bool)
        reach = np.zeros(len(now.x))
        appeal = self._appeal(rng)
        while self._count < self._size:
            members = home[bounds[group] : bounds[group + 1]]
            left[group] = False
            before = self._count
            if len(members) <= self._size - before or not before:
                self._collect(self._within(members, rng))
            self._reach(reach, before)
            room = self._size - self._count
            lengths = np.diff(bounds)
            ties = np.bincount(now.owner[home], (reach * appeal)[home], minlength=groups)
            ties = np.where(left & (lengths <= room), ties, -1.0)
            if ties.max(initial=-1.0) < 0.0:
                break
            group = int(np.argmax(ties))
        free = now.model.free
        if len(free) and self._count < self._size:
            self._collect(free[np.argsort(-(reach * appeal)[free], kind="stable")])

    def _within(self, members: NDArray[np.int32], rng: Generator) -> NDArray[np.int64]:
        """Members in the order in which they are wanted: ones and zeros by turns, fresh first."""
        now = self._incumbent
        order = rng.permutation(members)
        order = order[np.argsort(~self._fresh[order], kind="stable")]
        ones, zeros = order[now.x[order] == 1], order[now.x[order] == 0]
        turn = np.concatenate([np.arange(len(ones)), np.arange(len(zeros))])
        wanted: NDArray[np.int64] = np.concatenate([ones, zeros])[np.argsort(turn, kind="stable")]
        return wanted

    def _reach(self, reach: NDArray[np.float64], begin: int) -> None:
        """Add to `reach` how strongly each variable is coupled to those taken since."""
        model = self._incumbent.model
        for i in self._chosen[begin : self._count]:
            if len(model.matrix):
                reach += np.abs(model.matrix[i])
            else:
                part = slice(model.start[i], model.start[i + 1])
                reach[model.index[part]] += np.abs(model.weight[part])

    # -- the kernels' arguments -------------------------------------------------------------------

    def _state(self) -> tuple[Any, ...]:
        now = self._incumbent
        return (
            now.field, now.x, now.owner, now.model.bounds, now.model.home, self._opposite,
            self._taken, self._chosen, self._count,
        )

    def _collect(self, order: NDArray[Any]) -> None:
        """Take variables in this order, as far as there is room."""
        self._count = kernels.collect(order.astype(np.int64), self._size, *self._state())
