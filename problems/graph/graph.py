"""The graph that all graph problems stand on, and reading one from a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import InputError, ParseError, UsageError, check_type
from qopt.problem import Violation

from ..encode import bits
from ..formats import dimacs, edges, graphml
from ..formats.graph_data import GraphData

MOST_VIOLATIONS = 10
"""Broken edges that a score lists one by one; the rest become one entry."""


@dataclass(frozen=True, eq=False)
class Graph:
    """An undirected graph without loops or parallel edges. Make one with `build`.

    Parameters
    ----------
    vertices : int
        How many there are.
    tail, head : ndarray of int64, shape (m,)
        Ends of the edges, ``tail < head``, sorted by (tail, head), each pair once.
    weight : ndarray of float64, shape (m,)
        Edge weights.
    vertex_weight : ndarray of float64, shape (vertices,)
    names : tuple of str
        One for each vertex, all different; empty stands for the numbers 1, 2, ...

    Raises
    ------
    InputError
        For an edge from a vertex to itself, a repeated edge, an end that is no vertex, a repeated
        name, or a weight that is not finite.
    """

    vertices: int
    tail: NDArray[np.int64] = field(repr=False)
    head: NDArray[np.int64] = field(repr=False)
    weight: NDArray[np.float64] = field(repr=False)
    vertex_weight: NDArray[np.float64] = field(repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def build(
        cls,
        vertices: int,
        tail: ArrayLike = (),
        head: ArrayLike = (),
        weight: ArrayLike = 1.0,
        *,
        vertex_weight: ArrayLike = 1.0,
        names: Sequence[str] = (),
    ) -> "Graph":
        """Make a graph from edges in any order and direction; scalar weights are broadcast."""
        a, b = np.asarray(tail, dtype=np.int64), np.asarray(head, dtype=np.int64)
        if a.shape != b.shape or a.ndim != 1:
            raise InputError("tail and head of a graph must be vectors of the same length")
        order = np.lexsort((np.maximum(a, b), np.minimum(a, b)))
        return cls(
            vertices=vertices,
            tail=np.minimum(a, b)[order],
            head=np.maximum(a, b)[order],
            weight=np.broadcast_to(np.asarray(weight, dtype=np.float64), a.shape)[order],
            vertex_weight=np.broadcast_to(
                np.asarray(vertex_weight, dtype=np.float64), vertices
            ).copy(),
            names=tuple(names),
        )

    def __post_init__(self) -> None:
        n = self.vertices
        if n < 1:
            raise InputError(f"a graph needs at least one vertex, got {n}")
        if self.names and (len(self.names) != n or len(set(self.names)) != n):
            raise InputError(f"{n} vertices need {n} names, all different")
        if len(self.tail) and (self.tail.min() < 0 or self.head.max() >= n):
            raise InputError(f"edges must join vertices 0 to {n - 1}")
        loops = np.flatnonzero(self.tail == self.head)
        if len(loops):
            raise InputError(f"vertex {self.label(int(self.tail[loops[0]]))} has an edge to itself")
        keys = self.tail * n + self.head
        repeats = np.flatnonzero(keys[1:] == keys[:-1])
        if len(repeats):
            raise InputError(f"the edge {self.edge_label(int(repeats[0]))} is there twice")
        if not (np.isfinite(self.weight).all() and np.isfinite(self.vertex_weight).all()):
            raise InputError("a weight of the graph is NaN or infinite; weights must be finite")

    @classmethod
    def from_networkx(
        cls, graph: Any, *, weight: str = "weight", vertex_weight: str = "weight"
    ) -> "Graph":
        """Take over a networkx graph.

        Parameters
        ----------
        graph : networkx.Graph
            Undirected, without loops or parallel edges.
        weight, vertex_weight : str
            Attributes of edges and of nodes that hold their weights; 1 where there is none.
        """
        import networkx as nx

        check_type(graph, nx.Graph, "a networkx Graph")
        if graph.is_directed():
            raise InputError("the graph is directed; make it undirected with graph.to_undirected()")
        index = {node: i for i, node in enumerate(graph.nodes)}
        ends = [(index[a], index[b]) for a, b in graph.edges()]
        try:
            edge_weights = [float(w) for _, _, w in graph.edges(data=weight, default=1.0)]
            node_weights = [float(w) for _, w in graph.nodes(data=vertex_weight, default=1.0)]
        except (TypeError, ValueError) as fault:
            raise InputError(f"a weight of the graph is no number: {fault}") from fault
        return cls.build(
            len(index),
            [a for a, _ in ends],
            [b for _, b in ends],
            edge_weights,
            vertex_weight=node_weights,
            names=[str(node) for node in index],
        )

    @property
    def edges(self) -> int:
        """Number of edges."""
        return len(self.tail)

    @property
    def density(self) -> float:
        """Share of all pairs that are edges, 0 to 1."""
        n = self.vertices
        return 2.0 * self.edges / (n * (n - 1)) if n > 1 else 0.0

    def label(self, vertex: int) -> str:
        """What people call a vertex: its name, or its number counted from 1."""
        return self.names[vertex] if self.names else str(vertex + 1)

    def edge_label(self, edge: int) -> str:
        """Both ends of an edge, as people call them."""
        return f"{self.label(int(self.tail[edge]))}-{self.label(int(self.head[edge]))}"

    def incident(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum at each vertex of a value for each edge, shape (vertices,)."""
        total = np.zeros(self.vertices)
        np.add.at(total, self.tail, values)
        np.add.at(total, self.head, values)
        return total

    @cached_property
    def components(self) -> int:
        """Number of connected components."""
        root = list(range(self.vertices))
        count = self.vertices
        for a, b in zip(self.tail.tolist(), self.head.tolist(), strict=True):
            while root[a] != a:
                root[a] = root[root[a]]
                a = root[a]
            while root[b] != b:
                root[b] = root[root[b]]
                b = root[b]
            if a != b:
                root[a] = b
                count -= 1
        return count

    def complement(self) -> "Graph":
        """The graph whose edges, all of weight 1, are the pairs that are no edges here."""
        n = self.vertices
        absent = np.ones((n, n), dtype=np.bool_)
        absent[self.tail, self.head] = False
        tail, head = np.nonzero(np.triu(absent, 1))
        return Graph.build(n, tail, head, vertex_weight=self.vertex_weight, names=self.names)

    def cliques(self) -> list[list[int]]:
        """Cliques that together hold every edge, found greedily; each is sorted."""
        neighbours: list[set[int]] = [set() for _ in range(self.vertices)]
        ends = list(zip(self.tail.tolist(), self.head.tolist(), strict=True))
        for a, b in ends:
            neighbours[a].add(b)
            neighbours[b].add(a)
        covered: set[tuple[int, int]] = set()
        found = []
        for a, b in ends:
            if (a, b) in covered:
                continue
            clique, common = [a, b], neighbours[a] & neighbours[b]
            while common:
                vertex = min(common)
                clique.append(vertex)
                common &= neighbours[vertex]
            clique.sort()
            covered.update((u, v) for i, u in enumerate(clique) for v in clique[i + 1 :])
            found.append(clique)
        return found

    def describe(self) -> dict[str, Any]:
        """Size and shape for people."""
        return {
            "vertices": self.vertices,
            "edges": self.edges,
            "density": round(self.density, 6),
            "components": self.components,
        }

    def check(self, answer: Any) -> NDArray[np.int8]:
        """An answer as bits, shape (vertices,).

        Raises
        ------
        UsageError
            Where it has another shape.
        """
        x = np.asarray(answer)
        if x.shape != (self.vertices,):
            raise UsageError(f"an answer has one bit for each of {self.vertices} vertices, got "
                             f"shape {x.shape}")
        return bits(x)

    def undecided(self, answer: NDArray[np.int8]) -> list[Violation]:
        """A violation for every vertex whose value is neither 0 nor 1."""
        texts = [f"vertex {self.label(int(i))} is undecided" for i in np.flatnonzero(answer < 0)]
        return listed(texts)

    def chosen(self, answer: Any) -> list[int | str]:
        """Names (numbers, where there are none) of the vertices whose bit is one."""
        ones = np.flatnonzero(self.check(answer) == 1).tolist()
        return [self.names[i] if self.names else i + 1 for i in ones]

    def from_chosen(self, listed: Sequence[int | str]) -> NDArray[np.int8]:
        """Bits from what `chosen` listed."""
        index = {self.label(i): i for i in range(self.vertices)}
        unknown = [item for item in listed if str(item) not in index]
        if unknown:
            raise UsageError(f"the graph has no vertex {unknown[0]!r}")
        answer = np.zeros(self.vertices, dtype=np.int8)
        answer[[index[str(item)] for item in listed]] = 1
        return answer


def read_graph(path: Path) -> Graph:
    """Read a graph file of any format: rudy, edge list, DIMACS, GraphML or node-link JSON.

    Raises
    ------
    ParseError
        With the line that is wrong.
    """
    with path.open("rb") as stream:
        head = stream.read(4096).decode(errors="replace")
    if graphml.recognises(path.name, head):
        try:
            return Graph.from_networkx(graphml.read_networkx(path))
        except InputError as fault:
            if isinstance(fault, ParseError):
                raise
            raise ParseError(path, str(fault)) from fault
    reader = dimacs.read_dimacs if dimacs.recognises(path.name, head) else edges.read_edges
    return _graph_of(reader(path))


def instance_name(path: Path) -> str:
    """The file's name without its ending; rudy's numbers (``g05_100.0``) are no endings."""
    return path.name if path.suffix.removeprefix(".").isdecimal() else path.stem


def _graph_of(data: GraphData) -> Graph:
    vertex_weight = np.ones(data.vertices)
    for vertex, weight in data.vertex_weights.items():
        vertex_weight[vertex] = weight
    return Graph.build(
        data.vertices,
        data.tails,
        data.heads,
        data.weights,
        vertex_weight=vertex_weight,
        names=data.names,
    )


def listed(texts: list[str]) -> list[Violation]:
    """One violation of amount 1 for each text; those beyond the first ten are counted in one."""
    found = [Violation(text, 1.0) for text in texts[:MOST_VIOLATIONS]]
    rest = len(texts) - len(found)
    if rest:
        found.append(Violation(f"and {rest} more like it", float(rest)))
    return found
