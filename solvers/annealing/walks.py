"""Tabu walks over one model: the state that the kernels change, with and without groups."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from qopt.forms import Qubo

from . import kernels, swap_kernels, tabu_kernels
from .layout import DENSE_SHARE, MOST_BYTES, Layout, Model
from .tabu_kernels import BLOCK, IMPROVED, NEVER, NOW, UNSAVED, WISH

TOUCHED = 128
"""A sparse model is scanned whole after each flip up to so many variables a neighbour."""

_REFRESH = 1 << 15
"""Steps after which drifting fields are computed anew."""

_SLACK = 1e-12
"""An improvement smaller than this share of the largest field may be a rounding error."""

Mask = NDArray[np.bool_]


def lay_out(qubo: Qubo) -> Layout:
    """The layout for tabu walks: they read a whole row a step, and so prefer contiguous ones."""
    fits = 8 * qubo.num_variables**2 <= MOST_BYTES
    dense = qubo.density >= DENSE_SHARE and fits
    return Layout.choose(qubo, rows="dense" if dense else "sparse")


class Walk:
    """A tabu walk by single flips.

    Parameters
    ----------
    model : Model
    rng : Generator
        Gives the seed of the kernel's own generator.

    Attributes
    ----------
    x : ndarray of int8, shape (n,)
        The present state.
    best_x : ndarray of int8, shape (n,)
        The best state since `begin` or `resume`.
    """

    def __init__(self, model: Model, rng: Generator) -> None:
        self._model = model
        n = model.num_variables
        real = model.linear.dtype
        padded = -(-n // BLOCK) * BLOCK
        self.x = np.zeros(n, dtype=np.int8)
        self.best_x = self.x.copy()
        self._sign = np.zeros(padded, dtype=real)
        self._g = np.zeros(padded, dtype=real)
        self._until = np.full(padded, NEVER, dtype=np.int32)
        self._low = np.zeros(padded // BLOCK, dtype=real)
        self._count = np.zeros(4, dtype=np.int64)
        self._value = np.zeros(2)
        self._state = rng.integers(1, 1 << 32, size=1, dtype=np.uint32)
        self._slack = 0.0
        long = not len(model.matrix) and n > TOUCHED * max(1.0, len(model.index) / n)
        self._key = np.zeros(padded if long else 0, dtype=real)
        self._following = np.zeros(len(self._key), dtype=np.int32)
        self._head = np.zeros(1, dtype=np.int32)

    @property
    def energy(self) -> float:
        """Energy of the best state since `begin` or `resume`, without the offset."""
        return float(self._value[1]) / self._model.scale

    @property
    def kernel(self) -> str:
        """How the best move is found, for the record."""
        return "blocks touched" if len(self._key) else "all blocks"

    @property
    def step_cost(self) -> float:
        """Rough cost of a step in nanoseconds."""
        m, n = self._model, self._model.num_variables
        degree = len(m.index) / n
        if len(self._key):
            return 150.0 + 25.0 * degree + n / 100.0
        return 120.0 + 0.2 * n + 3.0 * degree + 0.2 * len(m.matrix)

    def begin(self, x: NDArray[np.int8], movable: Mask | None = None) -> None:
        """Go to a state; see `resume`."""
        self.x[:] = x
        self._refresh()
        self.resume(movable)

    def resume(self, movable: Mask | None = None) -> None:
        """Begin a walk where the last one ended, with nothing tabu.

        Parameters
        ----------
        movable : ndarray of bool, shape (n,), optional
            The variables that may move; all by default.
        """
        free = self._model.free
        self._until[free] = 0 if movable is None else np.where(movable[free], 0, NEVER)
        self._count[:] = 0
        self._count[WISH] = -1
        self.forget()
        self._head[:] = -1
        self._open()

    def forget(self) -> None:
        """Forget the best state, for that of the rest of the walk."""
        self.best_x[:] = self.x
        self._value[1] = self._value[0]
        self._count[IMPROVED] = self._count[NOW]
        self._count[UNSAVED] = 0

    def relink(self, steps: int) -> int:
        """Walk without aspiration, each variable moving at most once; see `walk`."""
        return self._go(NEVER, 0, steps, NEVER)

    def walk(self, tenure: int, spread: int, steps: int, patience: int) -> int:
        """Walk on.

        Parameters
        ----------
        tenure, spread : int
            A variable that moved is tabu for ``tenure`` steps and up to ``spread - 1`` more.
        steps : int
            Most steps to make.
        patience : int
            Steps without a new best state after which the walk ends.

        Returns
        -------
        int
            Steps made: fewer than `steps` where the walk is over.
        """
        room = 1 << (tenure + spread + 2).bit_length()
        if len(self._key) and len(self._head) < room:
            self._head = np.full(room, -1, dtype=np.int32)
        done = 0
        while done < steps:
            part = steps - done
            if self._model.drifts:  # at the same steps however the walk is cut into calls
                part = min(part, _REFRESH - int(self._count[NOW]) % _REFRESH)
            made = self._go(tenure, spread, part, patience)
            done += made
            if made < part:
                break
            if self._model.drifts and self._count[NOW] % _REFRESH == 0:
                self._refresh()
                self._open()
        return done

    def _go(self, tenure: int, spread: int, steps: int, patience: int) -> int:
        return tabu_kernels.walk_flips(
            self.x, self._sign, self._g, self._until, self.best_x, self._low,
            self._key, self._head, self._following, *self._model.rows,
            self._count, self._value, self._state,
            tenure, spread, steps, patience, self._slack,
        )  # fmt: skip

    def _open(self) -> None:
        now = int(self._count[NOW])
        tabu_kernels.open_blocks(self._g, self._sign, self._until, now, self._low, self._key)

    def _refresh(self) -> None:
        m = self._model
        g = self._g[: len(self.x)]
        kernels.fields_rows(g, self.x, m.linear, m.rows)
        self._sign[m.free] = 1 - 2 * self.x[m.free]
        chosen = self.x == 1
        total = m.linear[chosen].sum(dtype=np.float64) + g[chosen].sum(dtype=np.float64)
        self._value[0] = total / 2.0
        if m.drifts:
            self._slack = _SLACK * float(np.abs(g).max(initial=0.0))


class GroupWalk(Walk):
    """A tabu walk that keeps every exactly-k group."""

    def __init__(self, model: Model, rng: Generator) -> None:
        super().__init__(model, rng)
        self._key = self._key[:0]
        n, groups = model.num_variables, len(model.sizes)
        self._barred = np.zeros(n, dtype=np.int32)
        self._members = model.home.copy()
        self._place = np.zeros(n, dtype=np.int32)
        self._owner = np.full(n, -1, dtype=np.int32)
        self._owner[model.home] = np.repeat(np.arange(groups), np.diff(model.bounds))
        self._wake = np.zeros(groups, dtype=np.int64)
        self._kept = np.zeros((groups, 2), dtype=model.linear.dtype)
        self._moves = np.zeros((groups, 4), dtype=np.int32)
        self._room = np.zeros(2 * swap_kernels.WIDTH, dtype=np.int32)

    @property
    def step_cost(self) -> float:
        """Rough cost of a step in nanoseconds."""
        exchanges = min(len(self._wake) ** 2 / 2.0, swap_kernels.EXCHANGES)
        mates = (self._model.mates[:, 0] < self._model.mates[:, 1]).any()
        return super().step_cost + 4.0 * len(self._owner) + 10.0 * exchanges * mates

    def resume(self, movable: Mask | None = None) -> None:
        """Begin a walk where the last one ended, with nothing tabu; see `Walk.resume`."""
        super().resume(movable)
        self._barred[:] = 0 if movable is None else np.where(movable, 0, NEVER)
        self._wake[:] = 0

    def _go(self, tenure: int, spread: int, steps: int, patience: int) -> int:
        m = self._model
        groups = (m.bounds, m.sizes, m.mates, m.home, m.seat, self._members, self._place)
        return swap_kernels.walk_swaps(
            self.x, self._sign, self._g, self._until, self._barred, self.best_x, self._low,
            groups, self._owner, self._wake, self._kept, self._moves, self._room, m.rows,
            self._count, self._value, self._state,
            tenure, spread, steps, patience, self._slack,
        )  # fmt: skip

    def _refresh(self) -> None:
        super()._refresh()
        m = self._model
        # Ones of each group first; ties keep the order, so that a state has one arrangement.
        order = np.lexsort((1 - self.x[m.home], self._owner[m.home]))
        self._members[:] = m.home[order]
        self._place[self._members] = np.arange(len(order), dtype=np.int32)
        self._wake[:] = 0


def start_walk(model: Model, rng: Generator) -> Walk:
    """The walk that suits a model."""
    return GroupWalk(model, rng) if len(model.home) else Walk(model, rng)


def random_state(model: Model, rng: Generator) -> NDArray[np.int8]:
    """A uniform random state that keeps every group."""
    x = np.zeros(model.num_variables, dtype=np.int8)
    x[model.free] = rng.integers(0, 2, size=len(model.free), dtype=np.int8)
    x[model.ones] = 1
    for a, size in enumerate(model.sizes):
        x[rng.permutation(model.home[model.bounds[a] : model.bounds[a + 1]])[:size]] = 1
    return x


def kept_groups(model: Model, x: NDArray[np.int8], rng: Generator) -> NDArray[np.int8]:
    """A state near `x` that keeps every group: members too many or too few change at random."""
    fixed = np.zeros(model.num_variables, dtype=np.int8)
    fixed[model.free] = x[model.free]
    fixed[model.ones] = 1
    for a, size in enumerate(model.sizes):
        members = rng.permutation(model.home[model.bounds[a] : model.bounds[a + 1]])
        fixed[members[np.argsort(-x[members], kind="stable")][:size]] = 1
    return fixed
