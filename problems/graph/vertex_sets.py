"""Choosing vertices: independent set, clique and vertex cover."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UsageError
from qopt.forms import Form, Lowering, Penalties, Program, Qubo
from qopt.problem import Reference, Score, Sense

from ..encode import bits, lower_with
from .graph import Graph, instance_name, listed, read_graph


@dataclass(frozen=True, kw_only=True, eq=False)
class VertexSetProblem:
    """What these problems share: the data, and how an answer is written.

    An answer is a vector of bits of int8, shape (vertices,): one where a vertex is chosen. Edge
    weights play no part.

    Parameters
    ----------
    name : str
    graph : Graph
        Vertex weights at least 0.
    reference : Reference, optional
    """

    kind: ClassVar[str]

    name: str
    graph: Graph
    reference: Reference | None = None

    def __post_init__(self) -> None:
        graph = self.graph
        for i in np.flatnonzero(graph.vertex_weight < 0)[:1].tolist():
            raise InputError(
                f"vertex {graph.label(i)} weighs {graph.vertex_weight[i]:g}; vertex weights must "
                "be at least 0"
            )

    @classmethod
    def from_networkx(
        cls,
        graph: Any,
        *,
        name: str = "graph",
        vertex_weight: str = "weight",
        reference: Reference | None = None,
    ) -> Self:
        """Take over an undirected networkx graph; see `Graph.from_networkx`."""
        made = Graph.from_networkx(graph, vertex_weight=vertex_weight)
        return cls(name=name, graph=made, reference=reference)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a graph file; vertices weigh 1 unless the file says otherwise."""
        return cls(name=instance_name(path), graph=read_graph(path))

    def data(self) -> Mapping[str, Any]:
        """The edges and the vertex weights."""
        graph = self.graph
        return {
            "vertices": graph.vertices,
            "tail": graph.tail,
            "head": graph.head,
            "vertex_weight": graph.vertex_weight,
            "names": graph.names,
        }

    def describe(self) -> Mapping[str, Any]:
        """Size of the graph, and whether the vertices have weights."""
        weighted = bool((self.graph.vertex_weight != 1.0).any())
        return {**self.graph.describe(), "weighted": weighted}

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Qubo` or `Program`; options are those of `to_qubo` and so on."""
        return lower_with(self, form, options)

    def encode_answer(self, answer: Any) -> Any:
        """The chosen vertices."""
        return self.graph.chosen(answer)

    def decode_answer(self, data: Any) -> Any:
        """Bits from the chosen vertices."""
        return self.graph.from_chosen(data)


@dataclass(frozen=True, kw_only=True, eq=False)
class IndependentSet(VertexSetProblem):
    """Choose vertices of the greatest total weight, no two of them joined by an edge."""

    kind: ClassVar[str] = "independent-set"

    @classmethod
    def load(cls, path: Path, *, complement: bool = False) -> Self:
        """Read a graph file; vertices weigh 1 unless the file says otherwise.

        Parameters
        ----------
        complement : bool
            Take the complement of the graph: its independent sets are the cliques of the file's.
        """
        graph = read_graph(path)
        return cls(name=instance_name(path), graph=graph.complement() if complement else graph)

    @property
    def sense(self) -> Sense:
        """The weight of the set is maximised."""
        return "maximise"

    def to_qubo(self, *, penalty: float = 1.5) -> Lowering[Qubo]:
        """Minimise minus the weight of the set, with a penalty for each edge inside it.

        Parameters
        ----------
        penalty : float
            Penalty of an edge, as a multiple of the smaller weight of its ends; above 1 no set with
            an edge inside is optimal.
        """
        graph = self.graph
        weights, note = _edge_penalties(graph, penalty)
        qubo = Qubo.from_arrays(
            -graph.vertex_weight, graph.tail, graph.head, weights, labels=graph.names
        )
        return Lowering(
            qubo, decode=bits, encode=bits, scale=-1.0, notes=(note,),
            penalties=Penalties.of(weights, graph.vertex_weight),
        )

    def to_program(self, *, cliques: bool = True) -> Lowering[Program]:
        """Maximise the weight under one constraint for each clique, or for each edge.

        Parameters
        ----------
        cliques : bool
            Join edges to cliques, of which one vertex at most is chosen: a tighter relaxation.
        """
        graph = self.graph
        program = Program.build(
            sense="maximise",
            linear=graph.vertex_weight,
            names=graph.names,
            constraints=[
                (f"at most one of {title}", members, 1.0, "<=", 1.0)
                for title, members in _edge_sets(graph, cliques)
            ],
        )
        return Lowering(program, decode=bits, encode=bits)

    def score(self, answer: Any) -> Score:
        """Weight of the chosen vertices; every edge between two of them is a violation."""
        graph = self.graph
        inside = graph.check(answer)
        chosen = inside == 1
        broken = np.flatnonzero(chosen[graph.tail] & chosen[graph.head]).tolist()
        violations = listed([f"edge {graph.edge_label(e)}: both ends are chosen" for e in broken])
        weight = float(graph.vertex_weight[chosen].sum())
        return Score(weight, (*violations, *graph.undecided(inside)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Clique(VertexSetProblem):
    """Choose vertices of the greatest total weight, every two of them joined by an edge.

    The models are those of `IndependentSet` on the complement of the graph.
    """

    kind: ClassVar[str] = "clique"

    @property
    def sense(self) -> Sense:
        """The weight of the clique is maximised."""
        return "maximise"

    def to_qubo(self, *, penalty: float = 1.5) -> Lowering[Qubo]:
        """Minimise minus the weight of the set, with a penalty for each pair that is not joined.

        Parameters
        ----------
        penalty : float
            Penalty of a pair, as a multiple of the smaller weight of the two; above 1 no set with
            such a pair is optimal.
        """
        return self._independent_set().to_qubo(penalty=penalty)

    def to_program(self, *, cliques: bool = True) -> Lowering[Program]:
        """Maximise the weight under constraints for vertices that are not joined.

        Parameters
        ----------
        cliques : bool
            Gather such pairs to sets of which one vertex at most is chosen: a tighter relaxation.
        """
        return self._independent_set().to_program(cliques=cliques)

    def _independent_set(self) -> IndependentSet:
        return IndependentSet(name=self.name, graph=self.graph.complement())

    def score(self, answer: Any) -> Score:
        """Weight of the chosen vertices; every two that are not joined are a violation."""
        graph = self.graph
        inside = graph.check(answer)
        members = np.flatnonzero(inside == 1)
        joined = np.zeros((graph.vertices, graph.vertices), dtype=np.bool_)
        joined[graph.tail, graph.head] = True
        a, b = np.triu_indices(len(members), 1)
        apart = ~joined[members[a], members[b]]
        texts = [
            f"vertices {graph.label(u)} and {graph.label(v)} are chosen and not joined"
            for u, v in zip(members[a][apart].tolist(), members[b][apart].tolist(), strict=True)
        ]
        weight = float(graph.vertex_weight[members].sum())
        return Score(weight, (*listed(texts), *graph.undecided(inside)))


@dataclass(frozen=True, kw_only=True, eq=False)
class VertexCover(VertexSetProblem):
    """Choose vertices of the least total weight so that every edge has an end among them."""

    kind: ClassVar[str] = "vertex-cover"

    @property
    def sense(self) -> Sense:
        """The weight of the cover is minimised."""
        return "minimise"

    def to_qubo(self, *, penalty: float = 1.5) -> Lowering[Qubo]:
        """Minimise the weight of the set, with a penalty for each edge that it leaves uncovered.

        Parameters
        ----------
        penalty : float
            Penalty of an edge, as a multiple of the smaller weight of its ends; above 1 no set that
            leaves an edge uncovered is optimal.
        """
        graph = self.graph
        weights, note = _edge_penalties(graph, penalty)
        # Each edge adds w (1 - x_i) (1 - x_j).
        qubo = Qubo.from_arrays(
            graph.vertex_weight - graph.incident(weights),
            graph.tail,
            graph.head,
            weights,
            offset=float(weights.sum()),
            labels=graph.names,
        )
        return Lowering(
            qubo, decode=bits, encode=bits, notes=(note,),
            penalties=Penalties.of(weights, graph.vertex_weight),
        )

    def to_program(self, *, cliques: bool = True) -> Lowering[Program]:
        """Minimise the weight under one constraint for each clique, or for each edge.

        Parameters
        ----------
        cliques : bool
            Join edges to cliques, of which all vertices but one must be chosen: a tighter
            relaxation.
        """
        graph = self.graph
        program = Program.build(
            linear=graph.vertex_weight,
            names=graph.names,
            constraints=[
                (f"all but one of {title}", members, 1.0, ">=", len(members) - 1.0)
                for title, members in _edge_sets(graph, cliques)
            ],
        )
        return Lowering(program, decode=bits, encode=bits)

    def score(self, answer: Any) -> Score:
        """Weight of the chosen vertices; every edge without an end among them is a violation."""
        graph = self.graph
        inside = graph.check(answer)
        chosen = inside == 1
        broken = np.flatnonzero(~chosen[graph.tail] & ~chosen[graph.head]).tolist()
        violations = listed([f"edge {graph.edge_label(e)}: neither end is chosen" for e in broken])
        weight = float(graph.vertex_weight[chosen].sum())
        return Score(weight, (*violations, *graph.undecided(inside)))


def _edge_penalties(graph: Graph, factor: float) -> tuple[NDArray[np.float64], str]:
    """A penalty weight for each edge: `factor` times the smaller weight of its two ends.

    Above 1 this suffices, for independent sets and for vertex covers alike. Take any set that
    breaks some edges, and go through these one after the other: at each that is still broken, leave
    out (or put in) the lighter end. That costs at most the smaller weight of the two ends, saves
    the penalty of this edge, which is more, and breaks no other edge: fewer vertices break no
    independent set, and more vertices break no cover. So a set that breaks an edge always lies
    strictly above some set that breaks none. No slack variables are needed.

    An end that weighs nothing would leave its edges without a penalty, and one that weighs next to
    nothing would lose it in rounding. These count the smallest positive vertex weight (1 if there
    is none) instead, or a millionth of the largest if that is more; the proof stands.
    """
    if not factor > 0.0:
        raise UsageError(f"penalty must be above 0, and above 1 to suffice, got {factor:g}")
    weights = graph.vertex_weight
    least = max(min(weights[weights > 0], default=1.0), 1e-6 * weights.max())
    smaller = np.minimum(weights[graph.tail], weights[graph.head])
    note = f"an edge that is broken costs {factor:g} times the smaller weight of its ends"
    proof = "proven sufficient" if factor > 1.0 else "not proven sufficient: that takes above 1"
    return factor * np.maximum(smaller, least), f"{note} ({proof})"


def _edge_sets(graph: Graph, cliques: bool) -> list[tuple[str, list[int]]]:
    """The sets of vertices that constraints are about, with their names."""
    members = (
        graph.cliques()
        if cliques
        else [[a, b] for a, b in zip(graph.tail.tolist(), graph.head.tolist(), strict=True)]
    )
    return [(" ".join(graph.label(v) for v in part), part) for part in members]
