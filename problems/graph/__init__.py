"""Problems on graphs: maximum cut, independent set and vertex cover."""

from .graph import Graph, read_graph
from .maxcut import MaxCut
from .vertex_sets import IndependentSet, VertexCover

__all__ = ["Graph", "IndependentSet", "MaxCut", "VertexCover", "read_graph"]
