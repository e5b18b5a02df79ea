"""Random QUBOs with groups, and answers that keep them."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from qopt.forms import Group, Qubo
from qopt.solvers.annealing.layout import Layout
from qopt.solvers.hybrid.incumbent import Incumbent, random_answer


@st.composite
def incumbents(draw, largest=10):
    """An incumbent of a model of some bits, laid out in either way, with groups or without."""
    n = draw(st.integers(1, largest))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrix = np.triu(rng.normal(size=(n, n)) * (rng.random((n, n)) < rng.choice([0.3, 1.0])))
    if draw(st.booleans()):
        matrix = np.rint(3 * matrix)  # many moves of equal worth
    parts = np.array_split(rng.permutation(n), draw(st.sampled_from([1, 2, 3])))[:-1]
    groups = [
        Group(tuple(part.tolist()), draw(st.integers(0, len(part)))) for part in parts if len(part)
    ]
    qubo = Qubo.from_matrix(matrix * draw(st.sampled_from([1.0, 1e-6, 0.25])), offset=2.5)
    qubo = qubo.with_groups(groups)
    layout = Layout.choose(qubo, rows=draw(st.sampled_from(["sparse", "dense"])))
    return Incumbent(qubo, random_answer(qubo, rng), layout.build(qubo))


def kept(qubo):
    """Every answer that keeps the groups, shape (answers, n)."""
    rows = np.array(list(product((0, 1), repeat=qubo.num_variables)), dtype=np.int8)
    return rows[qubo.group_violations(rows) == 0]
