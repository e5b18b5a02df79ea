"""Conversion to and from networkx graphs: a node for each variable, an edge for each pair."""

from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError, check_type
from .qubo import Qubo


def qubo_to_networkx(qubo: Qubo) -> Any:
    """The model as a `networkx.Graph`; groups become penalties.

    A node carries its linear coefficient as ``bias``, an edge its pair coefficient as ``weight``,
    and the graph ``offset``. Nodes are named by the labels, or 0, 1, ... where there are none or a
    label repeats.
    """
    import networkx

    model = qubo.penalised()
    named = len(set(model.labels)) == model.num_variables
    names = list(model.labels) if named else list(range(model.num_variables))
    graph = networkx.Graph(offset=model.offset)
    graph.add_nodes_from(
        (name, {"bias": bias}) for name, bias in zip(names, model.linear.tolist(), strict=True)
    )
    graph.add_weighted_edges_from(
        (names[i], names[j], v)
        for i, j, v in zip(
            model.row.tolist(), model.col.tolist(), model.value.tolist(), strict=True
        )
    )
    return graph


def qubo_from_networkx(graph: Any) -> Qubo:
    """The model that `qubo_to_networkx` makes from a graph, in the graph's order of nodes.

    A missing ``bias`` or ``offset`` is 0, a missing ``weight`` 1; a loop counts as linear, and the
    edges of a multigraph are summed.

    Raises
    ------
    UnsupportedError
        For a directed graph.
    InputError
        For an attribute that is not a number.
    """
    import networkx as nx

    check_type(graph, nx.Graph, "a networkx Graph")
    if graph.is_directed():
        raise UnsupportedError("a QUBO needs an undirected graph; take graph.to_undirected()")
    nodes = list(graph.nodes)
    place = {node: i for i, node in enumerate(nodes)}
    edges = list(graph.edges(data="weight", default=1.0))
    plain = nodes == list(range(len(nodes)))
    try:
        linear = np.array([graph.nodes[v].get("bias", 0.0) for v in nodes], dtype=np.float64)
        value = np.array([weight for _, _, weight in edges], dtype=np.float64)
        offset = float(graph.graph.get("offset", 0.0))
    except (TypeError, ValueError) as fault:
        raise InputError(f"a bias, weight or offset of the graph is no number: {fault}") from None
    return Qubo.from_arrays(
        linear, [place[u] for u, _, _ in edges], [place[v] for _, v, _ in edges], value,
        offset=offset, labels=() if plain else [str(node) for node in nodes],
    )
