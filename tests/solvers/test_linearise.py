"""Linearised programs stand for the quadratic ones: by enumeration, answer for answer."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import programs

from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Program
from qopt.solvers import linearise as module
from qopt.solvers.linearise import linearise


def feasible_answers(program):
    ranges = [range(int(a), int(b) + 1) for a, b in zip(program.lower, program.upper, strict=True)]
    answers = (np.array(x, dtype=float) for x in product(*ranges))
    return [x for x in answers if not program.violations(x)]


def best_with_free_products(linear, n, x):
    """The best objective that the linear program gives to `x`, whatever bits and products are."""
    from scipy.optimize import linprog

    sign = 1.0 if linear.sense == "minimise" else -1.0
    lower, upper = linear.lower.copy(), linear.upper.copy()
    lower[:n] = upper[:n] = x
    rows, sides = {"<=": [], "==": []}, {"<=": [], "==": []}
    for c in linear.constraints:
        row = np.zeros(linear.num_variables)
        row[c.indices] = c.coefficients
        turn = -1.0 if c.comparator == ">=" else 1.0
        kind = "==" if c.comparator == "==" else "<="
        rows[kind].append(turn * row)
        sides[kind].append(turn * c.rhs)
    found = linprog(
        sign * linear.linear,
        A_ub=rows["<="] or None, b_ub=sides["<="] or None,
        A_eq=rows["=="] or None, b_eq=sides["=="] or None,
        bounds=np.column_stack([lower, upper]),
        integrality=linear.integer,
    )
    assert found.status == 0, found.message
    return sign * found.fun + linear.offset


@settings(deadline=None, max_examples=60)
@given(programs(), st.booleans(), st.booleans())
def test_every_feasible_answer_keeps_its_objective(program, strengthen, whole):
    lowering = linearise(program, strengthen=strengthen, whole=whole)
    linear = lowering.model
    assert not len(linear.value)
    assert (lowering.scale, lowering.offset) == (1.0, 0.0)
    for x in feasible_answers(program)[:60]:
        full = lowering.encode(x)
        assert linear.violations(full) == []
        assert linear.objective(full) == pytest.approx(program.objective(x), abs=1e-9)
        assert lowering.decode(full).tolist() == x.tolist()


@settings(deadline=None, max_examples=25)
@given(programs())
def test_no_choice_of_products_beats_the_true_objective(program):
    lowering = linearise(program)
    sign = 1.0 if program.sense == "minimise" else -1.0
    for x in feasible_answers(program)[:8]:
        best = best_with_free_products(lowering.model, program.num_variables, x)
        assert sign * best == pytest.approx(sign * program.objective(x), abs=1e-6)


def test_a_linear_program_stays_as_it_is():
    program = Program.build(linear=[1, 2])
    assert linearise(program).model is program


def test_squares_of_binaries_are_linear_terms():
    linear = linearise(Program.build(linear=[1, 2], row=[0], col=[0], value=[3])).model
    assert linear.linear.tolist() == [4, 2]
    assert not linear.constraints


@pytest.mark.parametrize(
    ("sense", "value", "kept"),
    [("minimise", 1, [">="]), ("minimise", -1, ["<=", "<="]),
     ("maximise", 1, ["<=", "<="]), ("maximise", -1, [">="])],
)
def test_a_product_is_held_on_the_side_that_its_coefficient_pulls_to(sense, value, kept):
    program = Program.build(sense=sense, linear=[0, 0], row=[0], col=[1], value=[value])
    assert [c.comparator for c in linearise(program).model.constraints] == kept


def test_exactly_k_gives_the_rows_of_the_strengthening():
    pairs = list(combinations(range(4), 2))
    program = Program.build(
        linear=np.zeros(4), row=[a for a, _ in pairs], col=[b for _, b in pairs], value=np.ones(6),
        constraints=[("three", range(4), 1.0, "==", 3)],
    )
    linear = linearise(program).model
    rows = [c for c in linear.constraints if " times " in c.name]
    assert len(rows) == 4
    for i, row in enumerate(rows):
        expected = {4 + pairs.index(tuple(sorted((i, j)))): 1.0 for j in range(4) if j != i}
        terms = zip(row.indices.tolist(), row.coefficients.tolist(), strict=True)
        assert dict(terms) == {**expected, i: -2.0}
        assert (row.comparator, row.rhs) == ("==", 0.0)
    assert not [c for c in linearise(program, strengthen=False).model.constraints
                if " times " in c.name]


def test_the_strengthening_closes_the_gap_of_a_selection():
    # x' (I + 11') x with exactly 2 of 5: the plain relaxation is worth 0, the answer is 6.
    row, col = np.triu_indices(5)
    program = Program.build(
        linear=np.zeros(5), row=row, col=col, value=np.where(row == col, 2.0, 2.0),
        constraints=[("two", range(5), 1.0, "==", 2)],
    )

    def relaxation(strengthen):
        linear = linearise(program, strengthen=strengthen).model
        return best_with_free_products(
            Program(**{**vars_of(linear), "integer": np.zeros(linear.num_variables, dtype=bool)}),
            0, np.zeros(0),
        )

    assert relaxation(True) == pytest.approx(6.0)
    assert relaxation(False) < 5.0


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
@pytest.mark.parametrize(("comparator", "count"), [("<=", 2), (">=", 3), ("<=", 4), (">=", 1)])
def test_limits_on_a_count_are_multiplied_by_their_members(sense, comparator, count):
    row, col = np.triu_indices(5, 1)
    rng = np.random.default_rng(count)
    program = Program.build(
        sense=sense, linear=rng.normal(size=5), row=row, col=col, value=rng.normal(size=10),
        constraints=[("some", range(5), 2.0, comparator, 2.0 * count)],
    )
    lowering = linearise(program)
    assert sum(" times " in c.name for c in lowering.model.constraints) == 10
    for x in feasible_answers(program):
        full = lowering.encode(x)
        assert lowering.model.violations(full) == []
        assert lowering.model.objective(full) == pytest.approx(program.objective(x))


@pytest.mark.parametrize(("comparator", "count", "left"), [("<=", 3, 0.75), (">=", 3, 0.0)])
def test_limits_on_a_count_close_the_gap(comparator, count, left):
    # Either many or few are wanted, and each pair costs: 3 of 6 are best, and worth 3 - 9.
    sign = 1.0 if comparator == ">=" else -1.0
    row, col = np.triu_indices(6, 1)
    program = Program.build(
        linear=np.full(6, 3.0 * sign), row=row, col=col, value=np.ones(15),
        constraints=[("some", range(6), 1.0, comparator, count)],
    )

    def relaxation(strengthen):
        linear = linearise(program, strengthen=strengthen).model
        return best_with_free_products(
            Program(**{**vars_of(linear), "integer": np.zeros(linear.num_variables, dtype=bool)}),
            0, np.zeros(0),
        )

    best = min(map(program.objective, feasible_answers(program)))
    assert best == 9.0 * sign + 3.0
    assert relaxation(True) == pytest.approx(best - left)
    assert relaxation(False) < best - 1.0


def test_a_budget_of_lots_is_strengthened_through_bits():
    row, col = np.triu_indices(4)
    program = Program.build(
        linear=np.zeros(4), lower=[0, 1, 0, 0], upper=[3, 4, 3, 1], row=row, col=col,
        value=np.ones(len(row)), constraints=[("budget", range(4), 1.0, "==", 6)],
    )
    lowering = linearise(program)
    linear = lowering.model
    assert sum(" times " in c.name for c in linear.constraints) == 7
    assert not any("*" in name and ".bit" not in name for name in linear.names)
    for x in feasible_answers(program):
        assert linear.violations(lowering.encode(x)) == []
        best = best_with_free_products(linear, 4, x)
        assert best == pytest.approx(program.objective(x))


def test_bits_beyond_reason_are_left_out(monkeypatch):
    monkeypatch.setattr(module, "_FREELY_CREATED", 5)
    program = Program.build(
        linear=[0, 0], upper=7, row=[0], col=[1], value=[1],
        constraints=[("budget", [0, 1], 1.0, "==", 6)],
    )
    linear = linearise(program).model
    assert not [c for c in linear.constraints if " times " in c.name]
    assert linear.num_variables == 2 + 3 + 3


def vars_of(program):
    names = ("sense", "lower", "upper", "integer", "linear", "row", "col", "value", "offset",
             "constraints", "names")
    return {name: getattr(program, name) for name in names}


def test_products_that_only_rows_need_are_created_within_reason(monkeypatch):
    # A path: few pairs are in the objective, and the rows of exactly-5 need all of them.
    n = 12
    program = Program.build(
        linear=np.zeros(n), row=range(n - 1), col=range(1, n), value=np.ones(n - 1),
        constraints=[("five", range(n), 1.0, "==", 5)],
    )
    assert linearise(program).model.num_variables == n + n * (n - 1) // 2
    monkeypatch.setattr(module, "_FREELY_CREATED", 10)
    assert linearise(program).model.num_variables == n + n - 1


def test_pairs_within_exactly_one_are_dropped():
    program = Program.build(
        linear=np.zeros(3), row=[0, 0], col=[1, 2], value=[-5, -1],
        constraints=[("one", [0, 1], 1.0, "==", 1)],
    )
    linear = linearise(program).model
    assert not [name for name in linear.names if name == "x0*x1"]
    assert "x0*x2" in linear.names


def test_new_names_give_way_to_those_that_exist():
    program = Program.build(
        linear=[0, 0, 1], row=[0], col=[1], value=[1], names=["a", "b", "a*b"]
    )
    assert linearise(program).model.names[-1] == "a*b'"


def test_products_of_a_binary_and_a_continuous_variable():
    program = Program.build(
        linear=[0, 0], lower=[0, -2], upper=[1, 5], integer=[True, False], row=[0], col=[1],
        value=[2],
    )
    lowering = linearise(program)
    for x in ([0.0, 5.0], [1.0, -2.0], [1.0, 3.25], [0.0, -1.5]):
        best = best_with_free_products(lowering.model, 2, x)
        assert best == pytest.approx(program.objective(x))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"integer": [False, False]}, "continuous variables 'x0' and 'x1'"),
        ({"upper": [1, np.inf]}, "'x1', which has no finite bounds"),
        ({"upper": np.inf}, "'x0', which has no finite bounds"),
    ],
)
def test_products_without_a_linear_form_are_refused(changes, message):
    program = Program.build(
        **{"linear": [0, 0], "row": [0], "col": [1], "value": [1], **changes}
    )
    with pytest.raises(UnsupportedError, match=message):
        linearise(program)


def test_bounds_that_constraints_imply_will_do():
    program = Program.build(
        linear=[0, 0], upper=[1, np.inf], row=[0], col=[1], value=[1],
        constraints=[("cap", [1], 1.0, "<=", 7)],
    )
    assert linearise(program).model.upper[-1] == 7


def test_too_many_products_are_refused_with_the_limit():
    row, col = np.triu_indices(500, 1)
    program = Program.build(linear=np.zeros(500), row=row, col=col, value=np.ones(len(row)))
    with pytest.raises(SizeError, match="at most 100000 products, the model has 124750"):
        linearise(program)
