"""Random small models, shared by the tests of conversions and files."""

import numpy as np
from hypothesis import strategies as st

from qopt.forms import Group, Program, Qubo

whole = st.integers(-5, 5).map(float)
real = st.floats(-1e3, 1e3, allow_nan=False).map(lambda v: round(v, 6))


@st.composite
def qubos(draw, groups: bool = True) -> Qubo:
    """Up to five variables, with labels and groups now and then."""
    n = draw(st.integers(1, 5))
    index = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(index, index, real), max_size=8))
    members = tuple(draw(st.permutations(range(n))))
    cut = draw(st.integers(0, n))
    grouped = []
    if groups and cut and draw(st.booleans()):
        weight = draw(st.sampled_from([None, 3.5]))
        grouped.append(Group(members[:cut], draw(st.integers(0, cut)), weight, "some"))
    return Qubo.from_arrays(
        draw(st.lists(real, min_size=n, max_size=n)),
        [i for i, _, _ in pairs], [j for _, j, _ in pairs], [v for _, _, v in pairs],
        offset=draw(real),
        labels=draw(st.sampled_from([(), tuple(f"v {i}" for i in range(n))])),
        groups=grouped,
    )


@st.composite
def programs(draw, quadratic: bool = True, continuous_squares: bool = True) -> Program:
    """Up to four variables of any kind, with bounds of any kind."""
    n = draw(st.integers(1, 4))
    integer = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    bounds = st.sampled_from(
        [(0, 1), (0, np.inf), (-np.inf, np.inf), (-3, 4), (-np.inf, -2), (2, 2), (1, np.inf)]
    )
    limits = [draw(bounds) for _ in range(n)]
    can = [i for i in range(n) if continuous_squares or integer[i]]
    pairs = [
        (i, j, draw(real)) for i in can for j in can if i <= j and quadratic and draw(st.booleans())
    ]
    constraints = []
    for k in range(draw(st.integers(0, 3))):
        terms = [i for i in range(n) if draw(st.booleans())] or [0]
        constraints.append(
            (f"c{k}", terms, [draw(real.filter(bool)) for _ in terms],
             draw(st.sampled_from(["<=", ">=", "=="])), draw(real))
        )
    return Program.build(
        sense=draw(st.sampled_from(["minimise", "maximise"])),
        linear=draw(st.lists(real, min_size=n, max_size=n)),
        row=[i for i, _, _ in pairs], col=[j for _, j, _ in pairs],
        value=[v for _, _, v in pairs], offset=draw(real),
        lower=[a for a, _ in limits], upper=[b for _, b in limits], integer=integer,
        constraints=constraints, names=[f"x{i}" for i in range(n)],
    )


def assert_same_qubo(a: Qubo, b: Qubo) -> None:
    """The same arrays, labels and groups."""
    for name in ("linear", "row", "col", "value"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert (a.offset, a.labels, a.groups) == (b.offset, b.labels, b.groups)


def assert_same_program(a: Program, b: Program) -> None:
    """The same arrays, names and constraints."""
    assert (a.sense, a.offset, a.names) == (b.sense, b.offset, b.names)
    for name in ("lower", "upper", "integer", "linear", "row", "col", "value"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert len(a.constraints) == len(b.constraints)
    for c, d in zip(a.constraints, b.constraints, strict=True):
        assert (c.name, c.comparator, c.rhs) == (d.name, d.comparator, d.rhs)
        assert np.array_equal(c.indices, d.indices)
        assert np.array_equal(c.coefficients, d.coefficients)
