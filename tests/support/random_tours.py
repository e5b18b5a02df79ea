"""Random small tour instances, shared by the tests of their encodings."""

import numpy as np
from hypothesis import strategies as st

from qopt.problems.routing import Tsp


@st.composite
def instances(draw, least=3, most=5, directed=(False, True)):
    """Distances of every sort: in the plane, whole, real, zero, and with a few long ways."""
    size = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    sort = draw(st.sampled_from(["plane", "whole", "real", "zero", "skewed"]))
    if sort == "plane":
        xy = rng.integers(0, 40, (size, 2))
        distance = np.floor(np.hypot(*np.moveaxis(xy[:, None] - xy[None], -1, 0)) + 0.5)
    elif sort == "whole":
        distance = rng.integers(0, 20, (size, size)).astype(float)
    elif sort == "real":
        distance = rng.random((size, size)) * 10
    elif sort == "zero":
        distance = np.zeros((size, size))
    else:
        distance = rng.integers(0, 2, (size, size)) * 1000.0 + rng.integers(0, 3, (size, size))
    if not draw(st.sampled_from(directed)):
        distance = distance + distance.T
    return Tsp(distance=distance)
