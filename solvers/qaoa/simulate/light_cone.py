"""Expectations of large sparse costs, term by term in the qubits that the term can feel.

After p layers a term ``Z_i Z_j`` depends on the qubits within p couplings of i and j alone: a
circuit on these gives its mean exactly, whatever the size of the rest (Farhi et al., arXiv
1411.4028).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UsageError
from qopt.forms import Ising

from ..ansatz import Angles, Cost
from ..objective import Mean, Objective
from .memory import free_memory
from .simulator import Precision, StoppedError, Units
from .statevector import BYTES_AN_AMPLITUDE, Statevector, units_of, usual_angles

MOST_QUBITS = 20
"""Largest cone that is simulated: there may be as many as there are couplings."""

Floats = NDArray[np.float64]
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class _Cone:
    """The qubits that some terms depend on, alike for all of them.

    Parameters
    ----------
    cost : Cost
        The couplings and fields that matter, on the cone's own qubits.
    ends : tuple of int
        The one or two qubits whose Z is measured.
    weight : float
        Sum of the terms' coefficients.
    """

    cost: Cost
    ends: tuple[int, ...]
    weight: float


class _Sign:
    """The mean of the product of Z on some qubits, as an objective."""

    name = "sign"

    def __init__(self, signs: Floats) -> None:
        self.signs = signs

    def evaluate(self, probabilities: Floats, diagonal: Floats) -> tuple[float, Floats]:
        """Mean and operator."""
        return float(probabilities @ self.signs), self.signs


class LightCones:
    """Expectation of the normalised cost after so many layers, by light cones.

    Terms whose cones are alike, up to a renumbering of their qubits, are simulated once: on regular
    graphs with equal weights these are few.

    Parameters
    ----------
    cost : Cost
    layers : int
    threads : int
    precision : {"double", "single"}
    stop : callable, optional
        Asked between cones whether to end, here and in every evaluation.

    Raises
    ------
    SizeError
        Where a cone has more than 20 qubits.
    StoppedError
        Where `stop` ends the work; evaluations raise it, too.
    """

    where = "cpu"

    def __init__(
        self, cost: Cost, layers: int, threads: int = 1, precision: Precision = "double",
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.cost, self.layers, self.precision = cost, layers, precision
        self._stop = stop
        found = _cones(cost, layers, stop)
        _check_memory(found, precision)
        self._cones = [
            (cone, Statevector(cone.cost, threads, precision), _signs(cone))
            for cone in _until(stop, found)
        ]

    @property
    def distinct(self) -> int:
        """Cones that are simulated."""
        return len(self._cones)

    @property
    def qubits(self) -> int:
        """Qubits of the largest cone."""
        return max((cone.cost.qubits for cone, _, _ in self._cones), default=0)

    @property
    def known_layer(self) -> Cost | None:
        """The cost: the mean of one layer is known in closed form."""
        return self.cost

    @property
    def units(self) -> Units:
        """Usual sizes of phases, mixers and objective."""
        return units_of(self.cost)

    @property
    def usual(self) -> Angles:
        """One layer's angles as most instances have them."""
        return usual_angles(self.cost)

    def expectation(self, angles: Angles) -> float:
        """Expectation of the normalised cost, after so many layers or fewer."""
        angles = self._padded(angles)
        return float(sum(
            cone.weight * simulator.value(angles, sign)
            for cone, simulator, sign in _until(self._stop, self._cones)
        ))

    def value(self, angles: Angles, objective: Objective) -> float:
        """The expectation: other objectives are no sums of terms."""
        _only_mean(objective)
        return self.expectation(angles)

    def value_and_gradient(
        self, angles: Angles, objective: Objective
    ) -> tuple[float, Floats]:
        """Expectation and its derivatives by gammas and betas."""
        _only_mean(objective)
        padded = self._padded(angles)
        value, gradient = 0.0, np.zeros((2, self.layers))
        for cone, simulator, sign in _until(self._stop, self._cones):
            own, slopes = simulator.value_and_gradient(padded, sign)
            value += cone.weight * own
            gradient += cone.weight * slopes.reshape(2, -1)
        return value, gradient[:, : angles.layers].ravel()

    def _padded(self, angles: Angles) -> Angles:
        if angles.layers > self.layers:
            raise UsageError(f"these cones are of {self.layers} layers, got {angles.layers}")
        return angles.padded(self.layers)


def _check_memory(cones: list[_Cone], precision: Precision) -> None:
    """Refuse more cones than fit side by side."""
    sizes = [2.0**cone.cost.qubits for cone in cones]
    need, room = sum(sizes) * BYTES_AN_AMPLITUDE[precision], free_memory()
    if need > room:
        raise SizeError(
            "light cones", len(cones), int(room / need * len(cones)), "different cones",
            f"their states would need {need / 2**30:.3g} GiB; take fewer layers",
        )


def _until(stop: Callable[[], bool], items: Iterable[Item]) -> Iterator[Item]:
    """The items one after another, until `stop` says so."""
    for item in items:
        if stop():
            raise StoppedError
        yield item


def _only_mean(objective: Objective) -> None:
    if not isinstance(objective, Mean):
        raise UsageError(f"light cones give the mean alone, not the objective {objective.name!r}")


def _signs(cone: _Cone) -> _Sign:
    states = np.arange(2**cone.cost.qubits)
    parity = sum((states >> end) & 1 for end in cone.ends) & 1
    return _Sign(1.0 - 2.0 * np.asarray(parity, dtype=np.float64))


# -- finding the cones --------------------------------------------------------------------------


def _cones(cost: Cost, layers: int, stop: Callable[[], bool]) -> list[_Cone]:
    """The cones of all terms, alike ones joined."""
    import networkx as nx

    ising = cost.ising
    neighbours: list[dict[int, float]] = [{} for _ in range(cost.qubits)]
    for i, j, weight in zip(
        ising.row.tolist(), ising.col.tolist(), ising.J.tolist(), strict=True
    ):
        neighbours[i][j] = neighbours[j][i] = weight
    buckets: dict[Hashable, list[list[Any]]] = defaultdict(list)
    for ends, weight in _until(stop, _terms(ising)):
        graph = _graph(neighbours, ising.h, ends, layers)
        key = nx.weisfeiler_lehman_graph_hash(graph, edge_attr="label", node_attr="label")
        for known in buckets[key]:
            if nx.is_isomorphic(known[0], graph, _same, _same):
                known[2] += weight
                break
        else:
            buckets[key].append([graph, ends, weight])
    return [
        _Cone(*_own(graph, ends), weight)
        for bucket in buckets.values() for graph, ends, weight in bucket
    ]


def _terms(ising: Ising) -> Iterator[tuple[tuple[int, ...], float]]:
    for i in np.flatnonzero(ising.h).tolist():
        yield (i,), float(ising.h[i])
    for i, j, weight in zip(
        ising.row.tolist(), ising.col.tolist(), ising.J.tolist(), strict=True
    ):
        yield (i, j), weight


def _graph(
    neighbours: list[dict[int, float]], h: Floats, ends: tuple[int, ...], layers: int
) -> Any:
    """What a term feels, as a graph whose labels tell all that matters.

    A qubit at distance p feels only the couplings that lead towards the term; its field, and
    couplings between two such qubits, cancel.
    """
    import networkx as nx

    distance = dict.fromkeys(ends, 0)
    border = list(ends)
    for step in range(1, layers + 1):
        border = [k for i in border for k in neighbours[i] if k not in distance]
        distance |= dict.fromkeys(border, step)
        if len(distance) > MOST_QUBITS:
            raise SizeError(
                f"the light cone of {layers} layers", len(distance), MOST_QUBITS, "qubits",
                "take fewer layers, or the statevector if the whole cost has at most 26 qubits",
            )
        border = list(dict.fromkeys(border))
    graph = nx.Graph()
    for i, steps in distance.items():
        felt = float(h[i]) if steps < layers else 0.0
        graph.add_node(i, field=felt, label=f"{steps == 0} {felt:.12g}")
    for i, steps in distance.items():
        for j, weight in neighbours[i].items():
            if j in distance and min(steps, distance[j]) < layers:
                graph.add_edge(i, j, weight=weight, label=f"{weight:.12g}")
    return graph


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["label"] == other["label"])


def _own(graph: Any, ends: tuple[int, ...]) -> tuple[Cost, tuple[int, ...]]:
    """The cone's cost on qubits numbered from 0, and the term's qubits among them."""
    place = {node: k for k, node in enumerate(graph.nodes)}
    h = np.array([graph.nodes[node]["field"] for node in graph.nodes], dtype=np.float64)
    pairs = sorted(
        (*sorted((place[i], place[j])), weight) for i, j, weight in graph.edges(data="weight")
    )
    ising = Ising(
        h, np.array([i for i, _, _ in pairs], dtype=np.int64),
        np.array([j for _, j, _ in pairs], dtype=np.int64),
        np.array([weight for _, _, weight in pairs], dtype=np.float64),
    )
    return Cost(ising), tuple(place[end] for end in ends)


