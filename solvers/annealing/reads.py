"""Batches of reads: states and fields, and the kernels that sweep over them."""

from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from . import kernels
from .kernels import LANES
from .layout import Layout, Model

REFRESH = 64
"""Sweeps after which drifting fields are computed anew."""

_SAMPLE = 1 << 12
"""Variables looked at to learn the model's energy changes."""


class Batch(Protocol):
    """Reads that advance together.

    `best` and `best_energy` hold, for each read, the best state met at any checkpoint.
    """

    reads: int

    def sweep(self, temperatures: NDArray[np.float32]) -> None:
        """Sweep once for each temperature, in every read."""
        ...

    def states(self) -> NDArray[np.int8]:
        """The present states, shape (reads, n)."""
        ...

    def checkpoint(self) -> NDArray[np.float64]:
        """Keep what is better than the best so far; the best energies, shape (reads,)."""
        ...

    def finish(self) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Best states, shape (reads, n), and their energies computed anew, without the offset."""
        ...

    def changes(self, rng: Generator) -> NDArray[np.float64]:
        """Energy changes (scaled) of a sample of the moves from the present states."""
        ...

    def energies(self) -> NDArray[np.float64]:
        """Energies (scaled, without the offset) of the present states, shape (reads,)."""
        ...

    def resample(self, fall: float, rng: Generator) -> int:
        """Let good reads take the place of poor ones, as if by an annealed population.

        A read is kept or copied as often as its weight ``exp(-fall energy)`` deserves among those
        of the batch, by systematic resampling.

        Parameters
        ----------
        fall : float
            By how much the inverse temperature grows, in scaled units.
        rng : Generator

        Returns
        -------
        int
            Reads that gave way.
        """
        ...


def start_batch(
    model: Model,
    layout: Layout,
    reads: int,
    rng: Generator,
    *,
    greedy: bool = False,
    start: NDArray[np.int8] | None = None,
) -> Batch:
    """A batch in random feasible states, or in given ones.

    Parameters
    ----------
    model : Model
    layout : Layout
    reads : int
        At most `batch_size` of the layout.
    rng : Generator
        Gives the states and the seeds of the kernels' own generators.
    greedy : bool
        Whether the read of a model with groups starts where each group takes its best members one
        after the other. Annealing rarely comes upon an answer that stands alone among bad ones, a
        portfolio all in cash; a greedy start has met it.
    start : ndarray of int8, shape (starts, n), optional
        Feasible states, taken in turn by the reads.
    """
    if layout.side_by_side:
        return LaneReads(model, reads, rng, start=start)
    return RowReads(model, rng, greedy=greedy, start=start)


def batch_size(layout: Layout) -> int:
    """Reads of a full batch."""
    return LANES if layout.side_by_side else 1


def tiny_model(layout: Layout) -> Model:
    """Three variables laid out so: what compiles the kernels that the layout needs."""
    from qopt.forms import Group, Qubo

    tiny = Qubo.from_arrays([1.0, 1.0, 1.0], [0], [2], [1.0], groups=[Group((0, 1), 1)])
    return layout.build(tiny if layout.grouped else tiny.with_groups(()))


def warm_up(layout: Layout) -> None:
    """Compile, or load from the cache on disk, what the layout needs."""
    model, rng = tiny_model(layout), np.random.default_rng(0)
    batch = start_batch(model, layout, 1, rng, greedy=True)
    batch.sweep(np.ones(1, dtype=np.float32))
    if isinstance(batch, LaneReads):
        nobody = np.zeros(0, dtype=np.int64)
        kernels.copy_lanes(batch._g, batch._x, nobody, nobody)
    batch.checkpoint()
    batch.finish()


def _generators(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Seeds of xorshift generators, which must not be zero."""
    return rng.integers(1, 1 << 32, size=shape, dtype=np.uint32)


class LaneReads:
    """Reads side by side in vector lanes, for sparse models without groups.

    All `LANES` lanes always run; with fewer reads the rest is not looked at.
    """

    def __init__(
        self, model: Model, reads: int, rng: Generator, *, start: NDArray[np.int8] | None = None
    ) -> None:
        self.reads = reads
        self._model = model
        n = model.num_variables
        self._x = rng.integers(0, 1 << LANES, size=n, dtype=np.uint16)
        if start is not None:
            self._x[:] = 0
            for lane in range(LANES):
                self._x |= start[lane % len(start)].astype(np.uint16) << np.uint16(lane)
        self._state = _generators(rng, (LANES,))
        self._g = np.empty((n, LANES), dtype=model.linear.dtype)
        self._age = 0
        self._refresh(self._x)
        self._best = self._x.copy()
        self._best_energy = self._energies()

    def sweep(self, temperatures: NDArray[np.float32]) -> None:
        """Sweep once for each temperature, in every read."""
        m = self._model
        if m.drifts and self._age >= REFRESH:
            self._refresh(self._x)
        kernels.sweep_lanes(self._g, self._x, m.start, m.index, m.weight, temperatures, self._state)
        self._age += len(temperatures)

    def sweep_ladder(self, temperatures: NDArray[np.float64], sweeps: int) -> None:
        """Sweep so many times, each read at its own temperature, shape (LANES,)."""
        m = self._model
        if m.drifts and self._age >= REFRESH:
            self._refresh(self._x)
        kernels.sweep_ladder(
            self._g, self._x, m.start, m.index, m.weight,
            temperatures.astype(np.float32), sweeps, self._state,
        )  # fmt: skip
        self._age += sweeps

    def exchange_cluster(
        self, lane: int, other: "LaneReads", other_lane: int, symmetric: bool, rng: Generator
    ) -> int:
        """Exchange a random connected part in which two reads differ; the size of the part.

        Reads of a symmetric model that differ in more than half of the variables are compared by
        the complement of one.
        """
        differs = (((self._x >> lane) ^ (other._x >> other_lane)) & 1).astype(bool)
        complement = symmetric and 2 * np.count_nonzero(differs) > len(differs)
        roots = np.flatnonzero(differs != complement)
        if not len(roots):
            return 0
        m = self._model
        return kernels.exchange_cluster(
            lane, other_lane, int(rng.choice(roots)), int(complement),
            self._g, self._x, other._g, other._x, m.start, m.index, m.weight,
            np.zeros(len(differs), np.int8), np.empty(len(differs), np.int32),
        )  # fmt: skip

    def states(self) -> NDArray[np.int8]:
        """The present states, shape (reads, n)."""
        return self._rows(self._x)

    def checkpoint(self) -> NDArray[np.float64]:
        """Keep what is better than the best so far; the best energies, shape (reads,)."""
        energy = self._energies()
        better = energy < self._best_energy
        if better.any():
            self._best_energy[better] = energy[better]
            lanes = np.uint16(np.bitwise_or.reduce(np.left_shift(1, np.flatnonzero(better))))
            self._best = (self._best & ~lanes) | (self._x & lanes)
        return self._best_energy[: self.reads] / self._model.scale

    def finish(self) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Best states, shape (reads, n), and their energies computed anew, without the offset."""
        self._refresh(self._best)
        self._x = self._best.copy()
        return self._rows(self._best), self._energies()[: self.reads] / self._model.scale

    def changes(self, rng: Generator) -> NDArray[np.float64]:
        """Energy changes (scaled) of a sample of the moves from the present states."""
        n = len(self._x)
        pick = rng.permutation(n)[:_SAMPLE] if n > _SAMPLE else np.arange(n)
        up = (self._x[pick, None] >> np.arange(LANES, dtype=np.uint16)) & 1 == 0
        return np.where(up, self._g[pick], -self._g[pick]).astype(np.float64).ravel()

    def energies(self) -> NDArray[np.float64]:
        """Energies (scaled, without the offset) of the present states, shape (reads,)."""
        return self._energies()[: self.reads]

    def resample(self, fall: float, rng: Generator) -> int:
        """Let good reads take the place of poor ones, as if by an annealed population."""
        energy = self.energies()
        weight = np.cumsum(np.exp(-fall * (energy - energy.min())))
        points = (np.arange(self.reads) + rng.random()) * (weight[-1] / self.reads)
        copies = np.bincount(
            np.minimum(np.searchsorted(weight, points, side="right"), self.reads - 1),
            minlength=self.reads,
        )
        target = np.flatnonzero(copies == 0)
        source = np.repeat(np.arange(self.reads), np.maximum(copies - 1, 0))
        if len(target):
            kernels.copy_lanes(self._g, self._x, source, target)
        return len(target)

    def _refresh(self, x: NDArray[np.uint16]) -> None:
        m = self._model
        kernels.fields_lanes(self._g, x, m.linear, m.start, m.index, m.weight)
        self._age = 0

    def _rows(self, x: NDArray[np.uint16]) -> NDArray[np.int8]:
        shifts = np.arange(self.reads, dtype=np.uint16)[:, None]
        return ((x >> shifts) & 1).astype(np.int8)

    def _energies(self) -> NDArray[np.float64]:
        return kernels.energies_lanes(self._g, self._x, self._model.linear)


def _greedy_state(model: Model) -> NDArray[np.int8]:
    """Each group takes the members of the least energy, one by one; free variables are zero."""
    x = np.zeros(model.num_variables, dtype=np.int8)
    x[model.ones] = 1
    g = np.empty(model.num_variables, dtype=model.linear.dtype)
    kernels.fields_rows(g, x, model.linear, model.rows)
    kernels.take_greedily(g, x, model.bounds, model.sizes, model.home, model.rows)
    return x


class RowReads:
    """One read, for dense models and models with groups."""

    reads = 1

    def __init__(
        self,
        model: Model,
        rng: Generator,
        *,
        greedy: bool = False,
        start: NDArray[np.int8] | None = None,
    ) -> None:
        self._model = model
        n = model.num_variables
        self._x = np.zeros(n, dtype=np.int8)
        self._x[model.free] = rng.integers(0, 2, size=len(model.free), dtype=np.int8)
        self._x[model.ones] = 1
        lengths = np.diff(model.bounds)
        owner = np.repeat(np.arange(len(model.sizes)), lengths)
        members = model.home[np.lexsort((rng.random(len(owner)), owner))]
        rank = np.arange(len(members)) - np.repeat(model.bounds[:-1], lengths)
        self._x[members[rank < model.sizes[owner]]] = 1
        if start is not None:
            self._x = start[0].copy()
        elif greedy and len(model.sizes):
            self._x = _greedy_state(model)
        members = members[np.lexsort((1 - self._x[members], owner))]  # ones of a group first
        place = np.zeros(n, dtype=np.int32)
        place[members] = np.arange(len(members), dtype=np.int32)
        self._groups = (
            model.bounds, model.sizes, model.mates, model.home, model.seat, members, place
        )  # fmt: skip
        self._state = _generators(rng, (2, LANES))
        self._thresholds = np.empty(kernels.BLOCK, dtype=np.float32)
        self._g = np.empty(n, dtype=model.linear.dtype)
        self._age = 0
        self._refresh()
        self._best = self._x.copy()
        self._best_energy = self._energy()

    def sweep(self, temperatures: NDArray[np.float32]) -> None:
        """Sweep once for each temperature."""
        m = self._model
        if m.drifts and self._age >= REFRESH:
            self._refresh()
        kernels.sweep_rows(
            self._g, self._x, m.free, self._groups, m.rows,
            temperatures, self._state, self._thresholds,
        )  # fmt: skip
        self._age += len(temperatures)

    def states(self) -> NDArray[np.int8]:
        """The present state, shape (1, n)."""
        return self._x[None, :].copy()

    def checkpoint(self) -> NDArray[np.float64]:
        """Keep what is better than the best so far; the best energy, shape (1,)."""
        energy = self._energy()
        if energy < self._best_energy:
            self._best_energy = energy
            self._best = self._x.copy()
        return np.array([self._best_energy / self._model.scale])

    def finish(self) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Best state, shape (1, n), and its energy computed anew, without the offset."""
        self._x = self._best.copy()
        self._refresh()
        return self._best[None, :].copy(), np.array([self._energy() / self._model.scale])

    def changes(self, rng: Generator) -> NDArray[np.float64]:
        """Energy changes (scaled) of a sample of the moves from the present state."""
        m = self._model
        flips = np.where(self._x[m.free] == 0, self._g[m.free], -self._g[m.free])
        swaps = np.empty(len(m.home))
        kernels.swap_pass(
            self._g, self._x, self._groups, m.rows, np.float32(0.0),
            _generators(rng, (2, LANES)), self._thresholds, swaps,
        )  # fmt: skip
        return np.concatenate([flips.astype(np.float64), swaps])

    def energies(self) -> NDArray[np.float64]:
        """Energy (scaled, without the offset) of the present state, shape (1,)."""
        return np.array([self._energy()])

    def resample(self, fall: float, rng: Generator) -> int:
        """Nothing: a read by itself has none to give way to."""
        return 0

    def _refresh(self) -> None:
        m = self._model
        kernels.fields_rows(self._g, self._x, m.linear, m.rows)
        self._age = 0

    def _energy(self) -> float:
        chosen = self._x == 1
        linear, g = self._model.linear[chosen], self._g[chosen]
        return float(linear.sum(dtype=np.float64) + g.sum(dtype=np.float64)) / 2.0
