"""Random small graphs, shared by the tests of graph problems."""

from hypothesis import strategies as st

from qopt.problems.graph import Graph


@st.composite
def graphs(draw: st.DrawFn, most: int = 6) -> Graph:
    """Edge weights of any sign, vertex weights of at least 0, isolated vertices now and then."""
    n = draw(st.integers(1, most))
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    weight = st.one_of(st.integers(-4, 4).map(float), st.floats(-9, 9, allow_nan=False))
    vertex_weight = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(0, 9, allow_nan=False))
    return Graph.build(
        n, [b for _, b in chosen], [a for a, _ in chosen],
        draw(st.lists(weight, min_size=len(chosen), max_size=len(chosen))),
        vertex_weight=draw(st.lists(vertex_weight, min_size=n, max_size=n)),
    )
