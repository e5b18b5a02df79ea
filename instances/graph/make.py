"""Write the graph instances of this folder, with their proven optima.

Run by hand::

    python instances/graph/make.py

The graphs are drawn by networkx from the seeds below. Each optimum is proven by visiting every
answer, or, where there are too many, by HiGHS or CP-SAT.
"""

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

import qopt

FOLDER = Path(__file__).parent


def rudy(graph: Any) -> str:
    """A graph as a rudy file; weights are written where there are any."""
    lines = [f"{len(graph)} {graph.number_of_edges()}"]
    for a, b, weight in sorted(graph.edges(data="weight")):
        lines.append(f"{a + 1} {b + 1}" + ("" if weight is None else f" {weight}"))
    return "\n".join(lines) + "\n"


def dimacs(graph: Any, comment: str) -> str:
    """A graph as a DIMACS file; vertex weights are written where there are any."""
    lines = [f"c {comment}", f"p edge {len(graph)} {graph.number_of_edges()}"]
    lines += [f"n {v + 1} {w}" for v, w in graph.nodes(data="weight") if w is not None]
    lines += [f"e {a + 1} {b + 1}" for a, b in sorted(graph.edges)]
    return "\n".join(lines) + "\n"


def weigh_edges(graph: Any, values: list[int], seed: int) -> Any:
    """Give every edge one of `values`, uniformly."""
    rng = np.random.default_rng(seed)
    for a, b in sorted(graph.edges):
        graph.edges[a, b]["weight"] = int(rng.choice(values))
    return graph


def weigh_vertices(graph: Any, most: int, seed: int) -> Any:
    """Give every vertex a weight from 1 to `most`, uniformly."""
    weights = np.random.default_rng(seed).integers(1, most + 1, len(graph))
    for vertex in sorted(graph):
        graph.nodes[vertex]["weight"] = int(weights[vertex])
    return graph


def torus(rows: int, columns: int) -> Any:
    """A grid that is closed in both directions, vertices row by row."""
    return nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns, periodic=True))


def files() -> dict[str, str]:
    """Name and content of every data file."""
    dense = weigh_edges(nx.gnp_random_graph(12, 0.7, seed=12), [*range(1, 11)], 12)
    return {
        "cubic-14.rud": rudy(nx.random_regular_graph(3, 14, seed=14)),
        "dense-12.rud": rudy(dense),
        "torus-8x8.rud": rudy(weigh_edges(torus(8, 8), [-1, 1], 64)),
        "grotzsch.col": dimacs(
            nx.mycielski_graph(4), "the Grötzsch graph: no triangle, and four colours"
        ),
        "petersen.col": dimacs(nx.petersen_graph(), "the Petersen graph"),
        "conflicts-16.col": dimacs(
            weigh_vertices(nx.gnp_random_graph(16, 0.25, seed=16), 9, 16),
            "16 vertices, each pair joined with probability 1/4, vertex weights 1 to 9",
        ),
    }


# name, data file, kind, solver that proves
INSTANCES = [
    ("cubic-14", "cubic-14.rud", "maxcut", "exact"),
    ("dense-12", "dense-12.rud", "maxcut", "exact"),
    ("torus-8x8", "torus-8x8.rud", "maxcut", "milp"),
    ("petersen-set", "petersen.col", "independent-set", "exact"),
    ("petersen-cover", "petersen.col", "vertex-cover", "exact"),
    ("conflicts-16", "conflicts-16.col", "independent-set", "exact"),
    ("clique-12", "dense-12.rud", "clique", "exact"),
    ("grotzsch-colouring", "grotzsch.col", "colouring", "cpsat"),
]


def main() -> None:
    """Write the data files and the instance files."""
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    for name, data, kind, solver in INSTANCES:
        solved = qopt.solve(qopt.load(FOLDER / data, kind=kind), solver)
        assert solved.status == "optimal", solved
        how = {"exact": "enumeration", "milp": "HiGHS", "cpsat": "CP-SAT"}[solver]
        (FOLDER / f"{name}.toml").write_text(
            f'kind = "{kind}"\ndata = "{data}"\n\n[reference]\nvalue = {solved.objective}\n'
            f'source = "proven by {how}"\nproven = true\n',
            encoding="utf-8",
        )
        print(name, solved.objective)


if __name__ == "__main__":
    main()
