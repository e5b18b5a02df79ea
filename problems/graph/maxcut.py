"""Maximum cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from qopt.forms import Form, Lowering, Program, Qubo
from qopt.problem import Reference, Score, Sense

from ..encode import bits, lower_with
from .graph import Graph, instance_name, read_graph


@dataclass(frozen=True, kw_only=True, eq=False)
class MaxCut:
    """Split the vertices in two so that the edges between the parts weigh most.

    An answer is a vector of bits of int8, shape (vertices,): the side of each vertex. Every answer
    is feasible. Vertex weights play no part.

    Parameters
    ----------
    name : str
    graph : Graph
    reference : Reference, optional
    """

    kind: ClassVar[str] = "maxcut"

    name: str
    graph: Graph
    reference: Reference | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a graph file; without weights every edge weighs 1."""
        return cls(name=instance_name(path), graph=read_graph(path))

    @classmethod
    def from_networkx(
        cls,
        graph: Any,
        *,
        name: str = "graph",
        weight: str = "weight",
        reference: Reference | None = None,
    ) -> Self:
        """Take over an undirected networkx graph; see `Graph.from_networkx`."""
        return cls(name=name, graph=Graph.from_networkx(graph, weight=weight), reference=reference)

    @property
    def sense(self) -> Sense:
        """The cut is maximised."""
        return "maximise"

    def data(self) -> Mapping[str, Any]:
        """The edges with their weights."""
        graph = self.graph
        return {
            "vertices": graph.vertices,
            "tail": graph.tail,
            "head": graph.head,
            "weight": graph.weight,
            "names": graph.names,
        }

    def describe(self) -> Mapping[str, Any]:
        """Size of the graph, and whether the edges have weights."""
        return {**self.graph.describe(), "weighted": bool((self.graph.weight != 1.0).any())}

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Qubo` or a `Program`; neither has options."""
        return lower_with(self, form, options)

    def to_qubo(self) -> Lowering[Qubo]:
        """Minimise minus the cut: an edge is cut where ``x_i + x_j - 2 x_i x_j`` is one."""
        graph = self.graph
        qubo = Qubo.from_arrays(
            -graph.incident(graph.weight),
            graph.tail,
            graph.head,
            2.0 * graph.weight,
            labels=graph.names,
        )
        return Lowering(qubo, decode=bits, encode=bits, scale=-1.0)

    def to_program(self) -> Lowering[Program]:
        """Maximise the cut as a quadratic function of binary variables, without constraints."""
        graph = self.graph
        program = Program.build(
            sense="maximise",
            linear=graph.incident(graph.weight),
            row=graph.tail,
            col=graph.head,
            value=-2.0 * graph.weight,
            names=graph.names,
        )
        return Lowering(program, decode=bits, encode=bits)

    def score(self, answer: Any) -> Score:
        """Weight of the edges between the two sides."""
        graph = self.graph
        side = graph.check(answer)
        cut = float(graph.weight[side[graph.tail] != side[graph.head]].sum())
        return Score(cut, tuple(graph.undecided(side)))

    def encode_answer(self, answer: Any) -> Any:
        """The vertices of one side."""
        return self.graph.chosen(answer)

    def decode_answer(self, data: Any) -> Any:
        """The sides from the vertices of one of them."""
        return self.graph.from_chosen(data)
