"""Graphs that networkx writes: GraphML, and its node-link JSON."""

import json
from pathlib import Path
from typing import Any

from qopt.errors import ParseError


def recognises(name: str, head: str) -> bool:
    """Whether the file is GraphML by its ending, or node-link JSON by its first keys."""
    ending = Path(name).suffix.lower()
    return ending == ".graphml" or (ending == ".json" and '"multigraph"' in head)


def read_networkx(path: Path) -> Any:
    """Read a file as a networkx graph.

    Raises
    ------
    ParseError
        Where the file is no such graph.
    """
    import networkx as nx

    # xml.etree's ParseError is a SyntaxError that carries the place in its text.
    faults = (
        SyntaxError, ValueError, KeyError, TypeError, AttributeError, RecursionError,
        nx.NetworkXException,
    )
    try:
        if path.suffix.lower() == ".graphml":
            return nx.read_graphml(path)
        data = json.loads(path.read_text(encoding="utf-8"))
        return nx.node_link_graph(data, edges="links" if "links" in data else "edges")
    except json.JSONDecodeError as fault:
        raise ParseError(path, f"not JSON: {fault.msg}", fault.lineno) from fault
    except faults as fault:
        text = f"{type(fault).__name__}: {fault}"
        raise ParseError(path, f"not a graph that networkx reads: {text}") from fault
