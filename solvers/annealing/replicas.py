"""Replicas of one model, each at a temperature of its own. Import this module only when solving."""

from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .kernels import LANES
from .layout import Layout, Model
from .reads import LaneReads, RowReads, start_batch

ROW_REPLICAS = 12
"""Replicas of models whose reads do not go side by side."""


class Replicas(Protocol):
    """Copies of a set of replicas: `copies` times `size`, each with its own state."""

    copies: int
    size: int

    def sweep(self, temperatures: NDArray[np.float64], sweeps: int) -> None:
        """Sweep so many times; temperatures of the replicas, shape (copies, size)."""
        ...

    def energies(self) -> NDArray[np.float64]:
        """Energies (scaled, without the offset), shape (copies, size)."""
        ...

    def states(self, copy: int, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """States of the chosen replicas of a copy, shape (chosen, n)."""
        ...

    def exchange_clusters(self, pairs: NDArray[np.int64], rng: Generator) -> int:
        """Exchange a part between replicas of both copies, shape (pairs, 2); how many did."""
        ...


def start_replicas(
    model: Model, layout: Layout, rng: Generator, given: NDArray[np.int8], *, symmetric: bool
) -> Replicas:
    """Replicas in random feasible states, the colder half of them in those that are given."""
    if layout.side_by_side:
        return LaneReplicas(model, rng, given, symmetric=symmetric)
    return RowReplicas(model, layout, rng, given)


class LaneReplicas:
    """Two copies of sixteen replicas in vector lanes, for sparse models without groups."""

    copies = 2
    size = LANES

    def __init__(
        self, model: Model, rng: Generator, given: NDArray[np.int8], *, symmetric: bool
    ) -> None:
        self._symmetric = symmetric
        self._batches = []
        for _ in range(self.copies):
            start = rng.integers(0, 2, (LANES, model.num_variables), dtype=np.int8)
            if len(given):
                cold = np.arange(LANES // 2, LANES)
                start[cold] = given[(LANES - 1 - cold) % len(given)]
            self._batches.append(LaneReads(model, LANES, rng, start=start))

    def sweep(self, temperatures: NDArray[np.float64], sweeps: int) -> None:
        """Sweep so many times; temperatures of the replicas, shape (copies, size)."""
        for batch, each in zip(self._batches, temperatures, strict=True):
            batch.sweep_ladder(each, sweeps)

    def energies(self) -> NDArray[np.float64]:
        """Energies (scaled, without the offset), shape (copies, size)."""
        return np.stack([batch.energies() for batch in self._batches])

    def states(self, copy: int, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """States of the chosen replicas of a copy, shape (chosen, n)."""
        return self._batches[copy].states()[chosen]

    def exchange_clusters(self, pairs: NDArray[np.int64], rng: Generator) -> int:
        """Exchange a part between replicas of both copies, shape (pairs, 2); how many did."""
        first, second = self._batches
        moved = 0
        for a, b in pairs:
            size = first.exchange_cluster(int(a), second, int(b), self._symmetric, rng)
            moved += size > 0
        return moved


class RowReplicas:
    """One copy of replicas, one read each, for dense models and models with groups."""

    copies = 1
    size = ROW_REPLICAS

    def __init__(
        self, model: Model, layout: Layout, rng: Generator, given: NDArray[np.int8]
    ) -> None:
        self._batches = []
        for k in range(self.size):
            start = None
            if len(given) and k >= self.size // 2:
                start = given[(self.size - 1 - k) % len(given)][None, :]
            greedy = start is None and k == self.size - 1
            batch = start_batch(model, layout, 1, rng, greedy=greedy, start=start)
            assert isinstance(batch, RowReads)
            self._batches.append(batch)

    def sweep(self, temperatures: NDArray[np.float64], sweeps: int) -> None:
        """Sweep so many times; temperatures of the replicas, shape (copies, size)."""
        for batch, temperature in zip(self._batches, temperatures[0], strict=True):
            batch.sweep(np.full(sweeps, temperature, dtype=np.float32))

    def energies(self) -> NDArray[np.float64]:
        """Energies (scaled, without the offset), shape (copies, size)."""
        return np.concatenate([batch.energies() for batch in self._batches])[None, :]

    def states(self, copy: int, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
        """States of the chosen replicas of a copy, shape (chosen, n)."""
        return np.concatenate([self._batches[k].states() for k in chosen])

    def exchange_clusters(self, pairs: NDArray[np.int64], rng: Generator) -> int:
        """None: there is one copy."""
        return 0
