"""Bounds that follow from constraints, and the codes and lattices built on them."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InfeasibleError, InputError, UnsupportedError
from qopt.forms import Program
from qopt.forms.binary_code import BinaryCode, bit_values
from qopt.forms.lattice import Conflict, Row, lattice_of, rows_of
from qopt.forms.presolve import tighten_bounds

# -- bounds -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_no_feasible_answer_is_cut_off(data) -> None:
    n = data.draw(st.integers(1, 3))
    whole = st.integers(-4, 4).map(float)
    program = Program.build(
        linear=np.zeros(n), lower=-3, upper=3,
        constraints=[
            (f"c{k}", range(n), data.draw(st.lists(whole, min_size=n, max_size=n)),
             data.draw(st.sampled_from(["<=", ">=", "=="])), data.draw(whole))
            for k in range(data.draw(st.integers(1, 3)))
        ],
    )
    feasible = [
        x for x in product(np.arange(-3.0, 4.0), repeat=n) if not program.violations(x)
    ]
    try:
        lower, upper = tighten_bounds(program)
    except InputError:
        assert not feasible
        return
    assert all((lower <= x).all() and (x <= upper).all() for x in map(np.array, feasible))


def test_chains_of_constraints_are_followed() -> None:
    program = Program.build(
        linear=[0, 0, 0], lower=0, upper=np.inf,
        constraints=[("b", [1, 0], [1, -2], "<=", 0), ("c", [2, 1], [1, -1], "<=", 0.5),
                     ("a", [0], 3.0, "<=", 10)],
    )
    lower, upper = tighten_bounds(program)
    assert lower.tolist() == [0, 0, 0]
    assert upper.tolist() == [3, 6, 6]


def test_continuous_bounds_and_one_open_end() -> None:
    program = Program.build(
        linear=[0, 0], lower=[-np.inf, 1], upper=[np.inf, 2], integer=False,
        constraints=[("up", [0, 1], [2, 1], "<=", 5), ("low", [0, 1], [1, 1], ">=", -1)],
    )
    lower, upper = tighten_bounds(program)
    assert lower[0] == pytest.approx(-3, abs=1e-5)
    assert upper[0] == pytest.approx(2, abs=1e-5)


def test_bounds_that_nothing_gives_stay_open() -> None:
    program = Program.build(
        linear=[0, 0], lower=-np.inf, upper=np.inf, constraints=[("c", [0, 1], 1.0, "<=", 5)]
    )
    lower, upper = tighten_bounds(program)
    assert np.isinf(lower).all()
    assert np.isinf(upper).all()


def test_bounds_that_creep_for_ever_end() -> None:
    program = Program.build(
        linear=[0, 0], lower=0, upper=1e9, integer=False,
        constraints=[("a", [0, 1], [1, -0.9], "<=", 1), ("b", [0, 1], [-0.9, 1], "<=", 1)],
    )
    _, upper = tighten_bounds(program)
    assert (upper >= 10).all()


def test_whole_variables_between_whole_numbers() -> None:
    program = Program.build(linear=[0], lower=0.2, upper=0.8, names=["k"])
    with pytest.raises(InfeasibleError, match="'k' must be whole"):
        tighten_bounds(program)
    lower, upper = tighten_bounds(Program.build(linear=[0], lower=-1.5, upper=2.9999999999))
    assert (lower[0], upper[0]) == (-1, 3)


# -- codes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [*range(20), 63, 64, 100])
def test_codes_cover_the_range_and_nothing_else(count: int) -> None:
    values = bit_values(count)
    assert len(values) == count.bit_length()
    sums = {sum(v for v, bit in zip(values, bits, strict=True) if bit)
            for bits in product((0, 1), repeat=len(values))}
    assert sums == set(range(count + 1))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_numbers_come_back(pairs) -> None:
    numbers = np.array([min(pair) for pair in pairs], dtype=np.int64)
    code = BinaryCode.of([max(pair) for pair in pairs])
    bits = code.encode(numbers)
    assert set(bits.tolist()) <= {0, 1}
    assert code.decode(bits).tolist() == numbers.tolist()


def test_a_linear_form_over_numbers_is_one_over_bits() -> None:
    code = BinaryCode.of([5, 0, 1, 3])
    index, coefficients = code.expand(np.array([3, 0, 1]), np.array([10, -1, 7]))
    assert index.tolist() == [4, 5, 0, 1, 2]
    assert coefficients.tolist() == [10, 20, -1, -2, -2]


# -- rows -------------------------------------------------------------------------------------


def the_row(program: Program, resolution: int = 2**20) -> Row | Conflict | None:
    rows = rows_of(program, lattice_of(program), resolution)
    return rows[0] if rows else None


def test_rows_are_whole_and_reduced() -> None:
    row = the_row(
        Program.build(linear=np.zeros(3), constraints=[("c", range(3), [0.5, 1, -1.5], "<=", 1.1)])
    )
    assert isinstance(row, Row)
    assert row.coefficients.tolist() == [1, 2, -3]
    assert (row.low, row.high, row.exact) == (-3, 2, True)


def test_bases_move_to_the_limits() -> None:
    row = the_row(Program.build(linear=[0, 0], lower=[-2, 3], upper=[1, 6],
                                constraints=[("c", [0, 1], [2, 2], ">=", 5)]))
    assert isinstance(row, Row)
    # 2 (y0 - 2) + 2 (y1 + 3) >= 5 is y0 + y1 >= 1.5.
    assert row.coefficients.tolist() == [1, 1]
    assert (row.low, row.high) == (2, 6)


def test_limits_a_hair_off_are_meant() -> None:
    program = Program.build(linear=np.zeros(3),
                            constraints=[("c", range(3), 0.1, "==", 0.1 + 0.1 + 1e-9)])
    row = the_row(program)
    assert isinstance(row, Row)
    assert (row.low, row.high) == (2, 2)


def test_implied_rows_are_dropped() -> None:
    assert the_row(
        Program.build(linear=[0, 0], constraints=[("c", [0, 1], 1.0, "<=", 2)])
    ) is None
    assert the_row(
        Program.build(linear=[0, 0], constraints=[("c", [0], 1.0, "==", 1)])
    ) is None


def test_conflicts_are_recognised() -> None:
    row = the_row(Program.build(linear=[0, 0], constraints=[("c", [0, 1], [1, -1], "<=", 0)]))
    assert isinstance(row, Conflict)
    assert row.negated.tolist() == [False, True]
    two_of_three = Program.build(linear=np.zeros(3),
                                 constraints=[("c", range(3), 1.0, "<=", 2)])
    assert isinstance(the_row(two_of_three), Row)


def test_steps_need_room() -> None:
    program = Program.build(linear=[1], lower=0.1, upper=0.2, integer=False)
    lattice = lattice_of(program, 0.25)
    assert lattice.count.tolist() == [0]
    narrowed = Program.build(linear=[1], upper=1, integer=False,
                             constraints=[("a", [0], 1.0, ">=", 0.3), ("b", [0], 1.0, "<=", 0.4)])
    with pytest.raises(UnsupportedError, match="no multiple of continuous_step"):
        lattice_of(narrowed, 0.25)
