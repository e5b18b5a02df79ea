"""Problems on graphs: maximum cut, independent set, clique, vertex cover and colouring."""

from .colouring import Colouring
from .graph import Graph, read_graph
from .maxcut import MaxCut
from .vertex_sets import Clique, IndependentSet, VertexCover

__all__ = [
    "Clique", "Colouring", "Graph", "IndependentSet", "MaxCut", "VertexCover", "read_graph",
]
